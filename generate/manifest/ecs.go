package manifest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/lukko-dev/lukko/generate/internal/stores"
)

// ECS returns a container definition of Amazon ECS, as indented JSON: its name,
// its environment and its secrets.
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
//
// A task does not start without a secret that it names, so those that may be
// absent are left out, unless [Input.Include] names them. It needs
// [Input.Account].
func ECS(in Input) ([]byte, error) {
	s, err := stores.One(in.Environment, in.Store, "aws")
	if err != nil {
		return nil, err
	}
	p, err := in.prepare(false)
	if err != nil {
		return nil, err
	}
	type pair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	type secretRef struct {
		Name      string `json:"name"`
		ValueFrom string `json:"valueFrom"`
	}
	container := struct {
		Name        string      `json:"name"`
		Environment []pair      `json:"environment,omitempty"`
		Secrets     []secretRef `json:"secrets,omitempty"`
	}{Name: in.App}
	for _, v := range p.variables {
		container.Environment = append(container.Environment, pair{v.name, v.value})
	}
	for _, secret := range p.secrets {
		arn, err := in.arn(s, s.Prefix+secret.ID)
		if err != nil {
			return nil, err
		}
		container.Secrets = append(container.Secrets, secretRef{secret.variable, arn})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(container)
	return b.Bytes(), err
}

var (
	arnForm    = regexp.MustCompile(`^arn:aws(-[a-z]+)*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$`)
	suffixForm = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)
)

// arn is the ARN of a secret, without the six characters that the service adds:
// within an account it finds a secret by that, too.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
func (in Input) arn(s stores.Store, id string) (string, error) {
	arn := id
	if !strings.HasPrefix(id, "arn:") {
		region := s.Host
		if region == "" {
			region = in.Region
		}
		switch {
		case in.Account == "":
			return "", stores.Fail("a task definition names secrets by their ARNs, and the account is not known", "say it by --account 111122223333")
		case region == "":
			return "", stores.Fail("a task definition names secrets by their ARNs, and the region of the store "+s.Name+" is not known", "say it by --region, or in the URL: aws://eu-west-1")
		}
		partition := in.Partition
		if partition == "" {
			partition = stores.Partition(region)
		}
		if suffixForm.MatchString(id) {
			in.note("the name " + id + " ends like what the service adds to names, so ECS may not find it by that: use its whole ARN as the id")
		}
		arn = "arn:" + partition + ":secretsmanager:" + region + ":" + in.Account + ":secret:" + id
	}
	if !arnForm.MatchString(arn) {
		return "", stores.Fail("the id "+id+" makes no ARN of a secret", "an ARN is like arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/stripe")
	}
	return arn, nil
}
