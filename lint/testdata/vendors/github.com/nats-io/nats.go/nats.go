// Package nats stands for the client of that name: its names, and no more.
package nats

type Conn struct{}

func (*Conn) Publish(subject string, data []byte) error { return nil }
