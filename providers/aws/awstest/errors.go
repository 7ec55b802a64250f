package awstest

import "fmt"

// APIError is an answer that refuses: its code, status and message, as they
// go over the wire.
type APIError struct {
	// Code goes into __type and x-amzn-ErrorType.
	Code string
	// Status is the HTTP status, 400 if it is 0.
	Status int
	// Message is the text. The fake's own never quote a value.
	Message string
	// Header is added to the answer, for example Retry-After.
	Header map[string]string
}

// Error is the code and the message.
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

// Errors to inject, each a new value.

// Throttling is the service's usual refusal above a rate.
func Throttling() *APIError {
	return &APIError{Code: "ThrottlingException", Status: 400, Message: "Rate exceeded"}
}

// TooManyRequests is throttling by status 429, as proxies and some
// front ends answer.
func TooManyRequests() *APIError {
	return &APIError{Code: "TooManyRequestsException", Status: 429, Message: "Rate exceeded"}
}

// ServiceUnavailable is status 503.
func ServiceUnavailable() *APIError {
	return &APIError{Code: "ServiceUnavailable", Status: 503, Message: "Service is unable to handle request."}
}

// InternalServiceError is an error on the server's side, status 500. Editions of
// the page of common errors give it 400 as well: change Status for that.
func InternalServiceError() *APIError {
	return &APIError{Code: "InternalServiceError", Status: 500, Message: "An error occurred on the server side."}
}

func fail(code, format string, args ...any) *APIError {
	return &APIError{Code: code, Status: 400, Message: fmt.Sprintf(format, args...)}
}

func invalidParameter(format string, args ...any) *APIError {
	return fail("InvalidParameterException", format, args...)
}

func invalidRequest(format string, args ...any) *APIError {
	return fail("InvalidRequestException", format, args...)
}

func notFound(format string, args ...any) *APIError {
	return fail("ResourceNotFoundException", format, args...)
}

func exists(format string, args ...any) *APIError {
	return fail("ResourceExistsException", format, args...)
}

func limitExceeded(format string, args ...any) *APIError {
	return fail("LimitExceededException", format, args...)
}

func noSecret() *APIError { return notFound("Secrets Manager can't find the specified secret.") }
