package file

import (
	"errors"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// pluginError stands for what a plugin said, which is not ours to show.
type pluginError struct{ name string }

func (e *pluginError) Error() string { return "the age plugin " + e.name + " failed" }

// pluginIdentity is an identity that age-plugin-NAME keeps.
type pluginIdentity struct {
	*plugin.Identity
	turn chan struct{} // of the one call that runs at a time
}

func newPluginIdentity(line string, ui *plugin.ClientUI) (age.Identity, error) {
	if ui == nil {
		ui = &plugin.ClientUI{} // whatever a plugin asks, the answer is no
	}
	i, err := plugin.NewIdentity(line, ui)
	if err != nil {
		return nil, err
	}
	return &pluginIdentity{i, make(chan struct{}, 1)}, nil
}

func (i *pluginIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	key, err := i.Identity.Unwrap(stanzas)
	if err != nil && !errors.Is(err, age.ErrIncorrectIdentity) && !errors.As(err, new(*plugin.NotFoundError)) {
		err = &pluginError{i.Name()}
	}
	return key, err
}

// pluginRecipient is a recipient that age-plugin-NAME encrypts to.
type pluginRecipient struct{ *plugin.Recipient }

func newPluginRecipient(line string, ui *plugin.ClientUI) (age.Recipient, error) {
	if ui == nil {
		ui = &plugin.ClientUI{}
	}
	r, err := plugin.NewRecipient(line, ui)
	if err != nil {
		return nil, err
	}
	return &pluginRecipient{r}, nil
}

func (r *pluginRecipient) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	stanzas, labels, err := r.Recipient.WrapWithLabels(fileKey)
	if err != nil && !errors.As(err, new(*plugin.NotFoundError)) {
		err = &pluginError{r.Name()}
	}
	return stanzas, labels, err
}
