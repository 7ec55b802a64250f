package gcp

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lukko-dev/lukko/core"
)

// What gRPC says by itself is no word of the service's: of a write it leaves open what
// was done. The texts are those of google.golang.org/grpc.
func TestWhatGRPCSaysByItselfIsNotTheServicesWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code codes.Code
		text string
	}{
		{codes.ResourceExhausted, "stream terminated by RST_STREAM with error code: ENHANCE_YOUR_CALM"},
		{codes.PermissionDenied, "stream terminated by RST_STREAM with error code: INADEQUATE_SECURITY"},
		{codes.Internal, "stream terminated by RST_STREAM with error code: PROTOCOL_ERROR"},
		{codes.ResourceExhausted, "grpc: received message larger than max (2097152 vs. 1048576)"},
	} {
		err := status.Error(c.code, c.text)
		for _, unsent := range []bool{false, true} {
			want := core.ErrIndeterminate
			if unsent {
				want = core.ErrUnavailable
			}
			f := fault(request{write: true}, err, unsent)
			if kind := core.KindOf(f.err); kind != want || f.unsent != unsent { //nolint:errorlint // a kind is the sentinel itself
				t.Errorf("%s: %v, and unsent is %t; want %v, %t", c.text, f.err, f.unsent, want, unsent)
			}
		}
		if kind := core.KindOf(fault(request{}, err, false).err); kind == core.ErrIndeterminate || kind == core.ErrPermissionDenied { //nolint:errorlint // as above
			t.Errorf("a read, %s: %v", c.text, kind)
		}
	}
	if f := fault(request{write: true}, status.Error(codes.ResourceExhausted, ""), false); f.unsent {
		t.Error("a write that a bare RESOURCE_EXHAUSTED answers would be sent again")
	}
}
