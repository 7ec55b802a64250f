package file_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

// play is a process of its own in a test of several. It gets the store in
// LUKKO_TEST_DIR, the user's folder in LUKKO_TEST_USER, and tells on standard
// output what it does, line by line, before and after.
func play(part string) int {
	s, err := file.New(file.Config{
		Dir: os.Getenv("LUKKO_TEST_DIR"), UserDir: os.Getenv("LUKKO_TEST_USER"), Notice: func(string) {},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	switch part {
	case "writer":
		err = playWriter(s)
	case "members":
		err = playMembers(s)
	case "holder":
		err = playHolder(s)
	case "descriptors":
		err = playDescriptors(s)
	default:
		err = errors.New("no such part")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

var crashIDs = []string{"A", "B", "shop/db", "C"}

// playWriter writes for ever, each write conditional on what it saw.
func playWriter(s *file.Store) error {
	ctx := context.Background()
	for n := 0; ; n++ {
		id := crashIDs[rand.IntN(len(crashIDs))]
		info, err := s.Stat(ctx, id)
		var o core.SetOption
		switch {
		case err == nil:
			o = core.IfVersion(info.Version)
		case errors.Is(err, core.ErrNotFound):
			o = core.IfAbsent()
		default:
			return err
		}
		value := fmt.Sprintf("%d-%d", os.Getpid(), n)
		fmt.Printf("try %s %s after %s\n", id, value, info.Version)
		got, err := s.Set(ctx, id, core.String(value), o)
		switch {
		case err == nil:
			fmt.Printf("ok %s %s after %s is %s\n", id, value, info.Version, got.Version)
		case errors.Is(err, core.ErrConflict):
			fmt.Printf("no %s %s\n", id, value)
		case errors.Is(err, core.ErrPermissionDenied):
			// The one who changes the recipients was killed before that was
			// accepted.
			fmt.Printf("no %s %s\n", id, value)
		default:
			return err
		}
	}
}

// playMembers adds and removes a recipient for ever.
func playMembers(s *file.Store) error {
	ctx := context.Background()
	guest, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	r := file.Recipient{Key: guest.Recipient().String(), Name: "guest"}
	for n := 0; ; n++ {
		if n%2 == 0 {
			_, err = s.AddRecipient(ctx, r)
		} else {
			_, err = s.RemoveRecipient(ctx, r.Key)
		}
		if err != nil && core.KindOf(err) != core.ErrPermissionDenied {
			return err
		}
		fmt.Printf("members %d\n", n)
	}
}

// playHolder takes the lock, says so, and keeps it.
func playHolder(s *file.Store) error {
	release, err := s.HoldLock(context.Background())
	if err != nil {
		return err
	}
	fmt.Println("holding")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	release()
	return nil
}

// playDescriptors reads and writes with no file descriptor left, and again
// with some.
func playDescriptors(s *file.Store) error {
	ctx := context.Background()
	if _, err := s.Get(ctx, "A"); err != nil { // finds the identity
		return err
	}
	if err := limitDescriptors(64); err != nil {
		return err
	}
	var open []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		open = append(open, f)
	}
	_, getErr := s.Get(ctx, "A")
	_, setErr := s.Set(ctx, "A", core.String("two"))
	var listErr error
	for _, err := range s.List(ctx, "") {
		listErr = err
	}
	for _, f := range open {
		f.Close()
	}
	for what, err := range map[string]error{"Get": getErr, "Set": setErr, "List": listErr} {
		if !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), "descriptors") {
			return fmt.Errorf("%s without a file descriptor returned %w", what, err)
		}
	}
	got, err := s.Get(ctx, "A")
	if err != nil || !got.Value.Equal(core.String("one")) {
		return fmt.Errorf("after a failed Set: %w", err)
	}
	if _, err := s.Set(ctx, "A", core.String("two")); err != nil {
		return err
	}
	ids := slices.Collect(func(yield func(string) bool) {
		for info := range s.List(ctx, "") {
			yield(info.ID)
		}
	})
	if len(ids) != 1 {
		return fmt.Errorf("List yields %q", ids)
	}
	return nil
}
