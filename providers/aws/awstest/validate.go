package awstest

import (
	"regexp"
	"unicode/utf8"
)

const (
	maxValue       = 65_536 // bytes, of SecretString and of SecretBinary
	maxName        = 512
	maxID          = 2048
	maxDescription = 2048
	maxKMSKey      = 2048
	maxStage       = 256
	maxTags        = 50
	minToken       = 32
	maxToken       = 64
	maxNextToken   = 4096
)

var nameLetters = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]+$`)

// check is a chain of constraints of which the first broken one counts.
type check struct {
	code string
	err  *APIError
}

func (s *Server) check() *check { return &check{code: s.cfg.ConstraintCode} }

func (c *check) that(ok bool, field, rule string) *check {
	if c.err == nil && !ok {
		c.err = fail(c.code, "1 validation error detected: Value at '%s' failed to satisfy constraint: %s", field, rule)
	}
	return c
}

func (c *check) length(field, text string, least, most int) *check {
	n := utf8.RuneCountInString(text)
	return c.that(n >= least && n <= most, field, "Member must have length within its limits")
}

func (c *check) secretID(id string) *check { return c.length("secretId", id, 1, maxID) }

func (c *check) name(name string) *check {
	c.length("name", name, 1, maxName)
	if c.err == nil && !nameLetters.MatchString(name) {
		c.err = fail(c.code, "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	return c
}

// token is the ClientRequestToken, which SDKs make and raw requests must have.
func (c *check) token(token string) *check {
	if c.err == nil && token == "" {
		c.err = invalidRequest("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	}
	return c.length("clientRequestToken", token, minToken, maxToken)
}

func (c *check) versionID(field string, id *string) *check {
	if id == nil {
		return c
	}
	return c.length(field, *id, minToken, maxToken)
}

func (c *check) stage(stage string) *check { return c.length("versionStage", stage, 1, maxStage) }

// stages is the list of labels of a request: 1 to 20 of 1 to 256 characters.
func (c *check) stages(stages []string) *check {
	if stages == nil {
		return c
	}
	c.that(len(stages) >= 1 && len(stages) <= 20, "versionStages", "Member must have between 1 and 20 elements")
	for _, stage := range stages {
		c.length("versionStages", stage, 1, maxStage)
	}
	return c
}

// value is 1 to 65,536 bytes, of a string or of bytes, not of both.
func (c *check) value(v value) *check {
	if c.err == nil && v.text != nil && v.binary != nil {
		c.err = invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
	}
	field := "secretString"
	if v.text == nil {
		field = "secretBinary"
	}
	return c.that(v.missing() || v.size() >= 1, field, "Member must have length greater than or equal to 1").
		that(v.size() <= maxValue, field, "Member must have length less than or equal to 65536")
}

func (c *check) page(most int, results *int, next *string) *check {
	c.that(results == nil || *results >= 1 && *results <= most, "maxResults", "Member must have value within its limits")
	if next != nil {
		c.length("nextToken", *next, 1, maxNextToken)
	}
	return c
}

func (c *check) tags(tags []tag) *check {
	for _, t := range tags {
		c.length("tags.key", t.Key, 1, 128).length("tags.value", t.Value, 0, 256)
	}
	return c
}
