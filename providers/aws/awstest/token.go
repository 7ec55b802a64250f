package awstest

import (
	"encoding/base64"
	"encoding/json"
)

// A NextToken is a place in an answer, with a hash of the question that it
// belongs to. Callers must treat it as opaque.
type nextToken[T any] struct {
	Place T
	About string
}

func sealToken[T any](place T, about string) string {
	b, err := json.Marshal(nextToken[T]{place, about})
	if err != nil {
		panic("awstest: a place is not JSON")
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// openToken returns the place, the zero one without a token.
func openToken[T any](token *string, about string) (place T, err *APIError) {
	if token == nil {
		return place, nil
	}
	var t nextToken[T]
	b, decodeErr := base64.RawURLEncoding.DecodeString(*token)
	if decodeErr != nil || json.Unmarshal(b, &t) != nil || t.About != about {
		return place, badToken()
	}
	return t.Place, nil
}

func badToken() *APIError {
	return fail("InvalidNextTokenException", "The NextToken value is invalid.")
}

func queryHash(parts ...any) string {
	b, err := json.Marshal(parts)
	if err != nil {
		panic("awstest: a question is not JSON")
	}
	return hexHash(b)[:16]
}
