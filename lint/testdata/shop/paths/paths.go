package paths

import (
	"context"
	"net/http"
	"sync"

	"example.com/shop/secrets"
	"example.com/shop/typed"
	"github.com/gin-gonic/gin"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

type server struct {
	svc  core.SecretService
	once sync.Once
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	schema.Load(r.Context(), s.svc, secrets.Mail) // want `Load reads from the store and starts a goroutine, and server.ServeHTTP serves requests: load once when the program starts, and use the handles here \[requestpath\]`
	s.helper(r.Context())
	secrets.Mail.Get(r.Context(), s.svc)
	s.once.Do(func() {
		schema.Load(r.Context(), s.svc, secrets.Mail)
	})
}

func (s *server) helper(ctx context.Context) { deeper(ctx, s.svc) }

func deeper(ctx context.Context, svc core.SecretService) {
	secrets.Mail.Bind(ctx, svc) // want `Bind reads from the store.*deeper is called by server.ServeHTTP, which serves requests`
}

func handler(svc core.SecretService) http.HandlerFunc {
	loaded, _ := schema.Load(context.Background(), svc, secrets.Mail)
	return func(w http.ResponseWriter, r *http.Request) {
		secrets.Mail.From(loaded).Get()
		schema.Loader{Service: svc}.Load(r.Context(), secrets.Mail) // want `a handler in handler serves requests`
		typed.NewTypedSecretService(svc).Load(r.Context())          // want `TypedSecretService.Load reads from the store`
	}
}

func ofGin(c *gin.Context) {
	schema.Load(c, nil) // want `ofGin serves requests`
}

func onPurpose(w http.ResponseWriter, r *http.Request) {
	schema.Load(r.Context(), nil) //lukko:allow requestpath an administrator asks for it
}

func start(svc core.SecretService) {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {})
	schema.Load(context.Background(), svc, secrets.Mail)
	secrets.Mail.Bind(context.Background(), svc)
}

type service struct{ svc core.SecretService }

type message struct{}

func (*message) ProtoReflect() {}

func (s *service) Charge(ctx context.Context, m *message) (*message, error) {
	schema.Load(ctx, s.svc) // want `service.Charge serves requests`
	return m, nil
}

func (s *service) NotRPC(ctx context.Context, m *message) error {
	schema.Load(ctx, s.svc)
	return nil
}
