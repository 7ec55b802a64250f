package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

const configText = `# Where the secrets of this project are, and what they are. It holds no secret,
# and is meant to be committed.
default: development

environments:
  development: %s

# What the program needs, so that lukko check tells what is missing, and lukko
# set refuses what is invalid:
#
# secrets:
#   STRIPE_CREDENTIALS:
#     displayName: Stripe API
#     schema:
#       type: object
#       required: [apiKey]
#       properties:
#         apiKey: {type: string, pattern: ^sk_}
#
# Accounts at other services, which lukko oauth connect connects; with perUser:
# true each user has one:
#
# credentials:
#   github:
#     secretID: GITHUB_APP            # lukko set GITHUB_APP: {"clientId": "...", "clientSecret": "..."}
#     tokenSecretID: GITHUB_TOKENS    # written when it is connected
#     oauth2: {provider: github, scopes: [repo]}
`

func (i *initializer) makeConfig(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return failure(exitUnknown, core.Printable(path)+" could not be made", "see whether you may write to its folder")
	}
	i.made = append(i.made, path)
	_, err = fmt.Fprintf(f, configText, folderURL(i.folder))
	if err := errors.Join(err, f.Close()); err != nil {
		return failure(exitUnknown, core.Printable(path)+" could not be written", "see whether the disk is full")
	}
	i.say("made          %s", short(path))
	return nil
}

// folderURL is the URL of a folder, as YAML takes it.
func folderURL(folder string) string {
	folder = filepath.ToSlash(folder)
	u := url.URL{Scheme: "file"}
	if filepath.IsAbs(folder) {
		u.Path = "/" + strings.TrimPrefix(folder, "/") // before the drive of Windows, too
		return quote("file://" + u.EscapedPath())
	}
	var segments []string
	for segment := range strings.SplitSeq(folder, "/") {
		segments = append(segments, url.PathEscape(segment))
	}
	return quote("file:" + strings.Join(segments, "/"))
}

// quote quotes a URL for YAML where that is needed.
func quote(u string) string {
	if strings.Trim(u, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:") == "" {
		return u
	}
	return strconv.Quote(u)
}
