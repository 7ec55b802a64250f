package aws

// WithVersionLimit returns cfg with another limit of versions within a day.
func WithVersionLimit(cfg Config, n int) Config {
	cfg.versionLimit = n
	return cfg
}
