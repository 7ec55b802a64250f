package main

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// hasDesktop reports whether somebody can be shown a browser on this machine:
// where BROWSER names one, and else where there is a display. Over SSH the
// displays of macOS and Windows are not the user's.
func (a *app) hasDesktop() bool {
	set := func(name string) bool {
		value, ok := a.lookup(name)
		return ok && value != ""
	}
	switch {
	case set("BROWSER"):
		return true
	case runtime.GOOS == "darwin", runtime.GOOS == "windows":
		return !set("SSH_CONNECTION") && !set("SSH_TTY")
	}
	return set("DISPLAY") || set("WAYLAND_DISPLAY")
}

// openBrowser starts a browser, and reports whether it could. It does not wait
// for it, and the browser outlives this command. No shell sees the address.
func (a *app) openBrowser(address string) bool {
	for _, command := range a.browsers(address) {
		c := exec.Command(command[0], command[1:]...)
		c.Env = withoutLogins(os.Environ())
		c.SysProcAttr = ofItsOwn() // else Ctrl-C here would end it, too
		if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
			defer null.Close()
			c.Stdin, c.Stdout, c.Stderr = null, null, null // a terminal browser is none for a desktop
		}
		if c.Start() == nil {
			go func() { _ = c.Wait() }()
			return true
		}
	}
	return false
}

// withoutLogins leaves out what opens stores: a browser has no use for it.
func withoutLogins(environ []string) []string {
	return slices.DeleteFunc(environ, func(v string) bool {
		name, _, _ := strings.Cut(v, "_")
		switch strings.ToUpper(name) {
		case "LUKKO", "VAULT", "BAO", "AWS", "GOOGLE", "CLOUDSDK":
			return true
		}
		return false
	})
}

// browsers are the commands to try: those of BROWSER, which has them separated
// by colons (on Windows by semicolons), each with its arguments and with %s for
// the address, and else the desktop's own.
func (a *app) browsers(address string) (commands [][]string) {
	value, _ := a.lookup("BROWSER")
	for one := range strings.SplitSeq(value, string(os.PathListSeparator)) {
		words := strings.Fields(one)
		if len(words) == 0 {
			continue
		}
		placed := false
		for i, word := range words[1:] {
			if strings.Contains(word, "%s") {
				words[i+1], placed = strings.ReplaceAll(word, "%s", address), true
			}
		}
		if !placed {
			words = append(words, address)
		}
		commands = append(commands, words)
	}
	if len(commands) > 0 {
		return commands
	}
	switch runtime.GOOS {
	case "darwin":
		return [][]string{{"open", address}}
	case "windows":
		return [][]string{{"rundll32", "url.dll,FileProtocolHandler", address}}
	}
	return [][]string{{"xdg-open", address}}
}
