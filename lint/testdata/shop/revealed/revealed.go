package revealed

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"example.com/shop/helper"
	"example.com/shop/secrets"
	"example.com/shop/typed"
	"github.com/lukko-dev/lukko/core"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

func logs(v core.Value, logger *log.Logger, z *zap.Logger) {
	log.Print(v)
	log.Println("key", v.Reveal())                        // want `a revealed secret gets into a log: leave it out, or hand on the core.Value, which prints as \[REDACTED\] \[revealed\]`
	log.Printf("key %s and %d", v.Reveal(), 1)            // want `gets into a log`
	log.Printf("100%% of a %T for %+[2]v", v.Reveal(), 1) // want `gets into a log`
	log.Printf("100%% of a %T for %5d", v.Reveal(), 1)
	logger.Fatalf("%x", v.RevealBytes())                    // want `gets into a log`
	slog.Info("read", "key", v.Reveal())                    // want `gets into a log`
	slog.Info("read", slog.String("key", v.Reveal()))       // want `gets into a log`
	slog.Default().With("key", v.Reveal()).Info("x")        // want `gets into a log`
	z.Info("read", zap.String("key", v.Reveal()))           // want `gets into a log`
	z.Sugar().Infow("read", "key", string(v.RevealBytes())) // want `gets into a log`
	log.Println(len(v.Reveal()), v.Reveal() == "", strings.HasPrefix(v.Reveal(), "sk_"))
}

func ways(v core.Value, other string) {
	s := v.Reveal()
	log.Print("key " + s)                                         // want `gets into a log \(it is revealed at revealed/revealed.go:49\)`
	log.Print(s[:4])                                              // want `gets into a log`
	log.Print([]byte(s))                                          // want `gets into a log`
	log.Print(fmt.Sprintf("<%s>", s))                             // want `gets into a log`
	log.Print(strings.TrimSpace(s))                               // want `gets into a log`
	log.Print(base64.StdEncoding.EncodeToString(v.RevealBytes())) // want `gets into a log`
	log.Print(strings.Join([]string{"a", s}, ","))                // want `gets into a log`
	log.Print(strings.ReplaceAll(other, s, "***"))
	log.Print(strings.NewReplacer(s, "***").Replace(other))
	var b strings.Builder
	b.WriteString("key=")
	b.WriteString(s)
	log.Print(b.String()) // want `gets into a log`
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "key=%s", s)
	log.Print(buf.String()) // want `gets into a log`
	m := map[string]string{"key": s}
	log.Print(m)        // want `gets into a log`
	log.Print(m["key"]) // want `gets into a log`
	body, _ := json.Marshal(map[string]any{"key": s})
	log.Printf("%s", body) // want `gets into a log`
	func() {
		log.Print(s) // want `gets into a log`
	}()
	go log.Print(s)    // want `gets into a log`
	defer log.Print(s) // want `gets into a log`
	if other != "" {
		s = "none"
	}
	log.Print(s) // want `gets into a log`
}

func overwritten(v core.Value, other bool) {
	s := v.Reveal()
	if other {
		log.Print(s) // want `gets into a log`
	}
	s = "none"
	log.Print(s)
}

type config struct {
	Host, Password string
	inner          struct{ token string }
}

func fields(v core.Value) {
	var c config
	c.Host = "db.example.com"
	c.Password = v.Reveal()
	log.Print(c.Host)
	log.Print(c.Password) // want `gets into a log`
	log.Printf("%+v", c)  // want `gets into a log`
	log.Printf("%+v", &c) // want `gets into a log`
	d := &config{Host: "h", Password: v.Reveal()}
	log.Print(d.Host)
	log.Print(d.Password) // want `gets into a log`
	c.inner.token = v.Reveal()
	log.Print(c.inner.token) // want `gets into a log`
}

type printer struct{ key string }

func (*printer) String() string { return "a printer" }

func itself(v core.Value) {
	p := &printer{key: v.Reveal()}
	log.Print(p)
	log.Print(p.key) // want `gets into a log`
	log.Print(*p)    // want `gets into a log`
	var buf bytes.Buffer
	buf.WriteString(v.Reveal())
	log.Print(&buf) // want `gets into a log`
}

type client struct {
	base, token string
	mixed       string
}

func newClient(v core.Value) *client {
	c := &client{base: "https://api.example.com", token: v.Reveal(), mixed: "none"}
	if v.IsZero() {
		c.token = ""
	}
	return c
}

func (c *client) set(v core.Value) { c.mixed = v.Reveal() }

func (c *client) get(ctx context.Context) error {
	log.Print(c.base, c.mixed)
	log.Print("using ", c.token)                                                       // want `gets into a log`
	log.Printf("%+v", c)                                                               // want `gets into a log`
	req, err := http.NewRequestWithContext(ctx, "GET", c.base+"/v1?key="+c.token, nil) // want `gets into a URL.*: send it in a header or in the body`
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	_, err = http.DefaultClient.Do(req)
	return err
}

type session struct{ user, token string }

func newSession(user, token string) *session { return &session{user: user, token: token} }

func (s *session) use() {
	log.Print("as ", s.user)
	defer fmt.Println(s.token)
}

func sessions(v core.Value) {
	newSession("me", v.Reveal()).use() // want `gets into standard output or standard error by newSession`
	newSession(v.Reveal(), "none")     // want `gets into a log by newSession`
	helper.NewClient("https://example.com", v.Reveal()) // want `gets into a log by NewClient`
	helper.NewClient(v.Reveal(), "none")
}

func errs(v core.Value) error {
	if v.IsZero() {
		panic("no " + v.Reveal()) // want `gets into the text of a panic`
	}
	if _, err := strconv.Atoi(v.Reveal()); err != nil {
		return fmt.Errorf("the port: %w", err) // want `gets into the text of an error`
	}
	u, err := url.Parse(v.Reveal())
	if err != nil {
		return fmt.Errorf("the address: %w", err) // want `gets into the text of an error`
	}
	log.Print(u.Host)
	log.Print(u.Redacted())
	log.Print(u.String()) // want `gets into a log`
	if v.Len() == 1 {
		return errors.New("short: " + v.Reveal()) // want `gets into the text of an error`
	}
	return fmt.Errorf("bad key %q", v.Reveal()) // want `gets into the text of an error`
}

func answer(v core.Value, w http.ResponseWriter) {
	http.Error(w, "not "+v.Reveal(), http.StatusForbidden) // want `gets into the text of an error`
	w.Header().Set("X", v.Reveal())
}

func outputs(v core.Value, w io.Writer) {
	fmt.Println(v.Reveal())             // want `gets into standard output or standard error`
	fmt.Fprintln(os.Stderr, v.Reveal()) // want `gets into standard output`
	println(v.Reveal())                 // want `gets into standard output`
	fmt.Fprintln(w, v.Reveal())
	os.Stdout.WriteString("nothing")
}

func urls(v core.Value, ctx context.Context) {
	http.Get(v.Reveal()) // a webhook's URL is the secret
	http.Get(v.Reveal() + "/path")
	http.Get(fmt.Sprintf("%s/path", v.Reveal()))
	http.Get(fmt.Sprintf("https://api.example.com/%s", v.Reveal()))                     // want `gets into a URL`
	http.Post("https://api.example.com/"+v.Reveal(), "", strings.NewReader(v.Reveal())) // want `gets into a URL`
	q := url.Values{}
	q.Set("key", v.Reveal())
	http.PostForm("https://api.example.com", q)
	http.NewRequest("POST", "https://api.example.com", strings.NewReader(q.Encode()))
	http.NewRequest("GET", "https://api.example.com?"+q.Encode(), nil) // want `gets into a URL`
	req, _ := http.NewRequest("GET", "https://api.example.com", nil)
	req.URL.RawQuery = q.Encode() // want `gets into a URL`
	req.SetBasicAuth("me", v.Reveal())
	query := req.URL.Query()
	query.Add("token", v.Reveal())
	req.URL.RawQuery = query.Encode()                                             // want `gets into a URL`
	u := url.URL{Scheme: "https", Host: "example.com", Path: "/bot" + v.Reveal()} // want `gets into a URL`
	u.User = url.UserPassword("me", v.Reveal())
	sql.Open("postgres", "postgres://me:"+v.Reveal()+"@db")
	db := url.URL{Scheme: "postgres", User: url.UserPassword("me", v.Reveal())}
	sql.Open("postgres", db.String())
	web := url.URL{Scheme: "https", Host: "example.com", User: url.UserPassword("me", v.Reveal())}
	http.Get(web.String()) // which sends it as a header
	log.Print(db.String()) // want `gets into a log`
	_, _ = u, ctx
}

func elsewhere(v core.Value, nc *nats.Conn) {
	smtp.SendMail("mx:25", smtp.PlainAuth("", "me", v.Reveal(), "mx"), "a", nil, []byte("hello"))
	smtp.SendMail("mx:25", nil, "a", nil, []byte("your key: "+v.Reveal())) // want `gets into a mail: send the secret's id`
	nc.Publish("keys", v.RevealBytes())                                    // want `gets into a queue`
	exec.Command("psql", "--password="+v.Reveal())                         // want `gets into the arguments of a command: give it by the environment`
	cmd := exec.Command("psql")
	cmd.Env = append(os.Environ(), "PGPASSWORD="+v.Reveal())
	mac := hmac.New(sha256.New, v.RevealBytes())
	log.Print(hex.EncodeToString(mac.Sum(nil)))
}

func show(s string) { fmt.Println("value", s) }

func show2(s string) { show(s) }

func reveal(v core.Value) string { return v.Reveal() }

func helpers(v core.Value) {
	show(v.Reveal())                    // want `gets into standard output or standard error by show`
	show2(v.Reveal())                   // want `by show2`
	log.Print(reveal(v))                // want `gets into a log`
	helper.Logf("key %s", v.Reveal())   // want `gets into a log by Logf`
	log.Print(helper.Quote(v.Reveal())) // want `gets into a log`
	log.Print(helper.Hash(v.Reveal()))
	helper.Fetch(v.Reveal())
	helper.Fetch("https://example.com/" + v.Reveal()) // want `gets into a URL by Fetch`
	helper.FetchToken(v.Reveal())                     // want `gets into a URL by FetchToken`
	helper.Logf("a %T and %s", v.Reveal(), "nothing")
	helper.Logf("a %T and %s", 1, v.Reveal()) // want `gets into a log by Logf`
}

func declared(ctx context.Context, svc core.SecretService, t *typed.TypedSecretService) {
	dsn, err := secrets.DSN.Get(ctx, svc)
	log.Print(err)
	log.Print(dsn) // want `gets into a log`
	level, _ := secrets.LogLevel.Get(ctx, svc)
	log.Print(level)
	again, _ := t.DSN(ctx)
	log.Print(again) // want `gets into a log`
	stripe, _ := secrets.StripeKey.Get(ctx, svc)
	log.Print(stripe, stripe.APIKey)
	log.Print(stripe.APIKey.Reveal()) // want `gets into a log`
}
