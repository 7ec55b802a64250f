package httpauth_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
	"github.com/lukko-dev/lukko/schema"
)

// weatherAPI is a server that wants a key.
func weatherAPI() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != "k-123" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "sunny")
	}))
}

func Example() {
	ctx := context.Background()
	svc := memory.New(memory.Config{})
	defer svc.Close()
	if _, err := svc.Set(ctx, "WEATHER_API_KEY", core.String("k-123")); err != nil {
		log.Fatal(err)
	}
	api := weatherAPI()
	defer api.Close()

	t, err := httpauth.New(httpauth.Config{
		Name:   "weather",
		Get:    httpauth.Secret(svc, "WEATHER_API_KEY"),
		Scheme: httpauth.Header("X-Api-Key"),
		Hosts:  []string{"127.0.0.1"}, // in real life "api.weather.example"
		Strict: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	client := t.HTTP()

	resp, err := client.Get(api.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(body))

	_, err = client.Get("https://elsewhere.example/")
	fmt.Println(err)
	// Output:
	// sunny
	// Get "https://elsewhere.example/": send "weather": permission denied: the request goes to a host that is not declared; declared are 127.0.0.1
}

// A declared secret of several fields, of which one is sent. The handle follows
// rotation and costs a request nothing.
func ExampleConfig() {
	type weather struct {
		APIKey core.Value `json:"apiKey"`
	}
	var set schema.Set
	declared := schema.DeclareIn[weather](&set, schema.Spec{
		Name: "weather", ID: "WEATHER_CREDENTIALS",
		DisplayName: "Weather API", Description: "The key of the weather service",
	})
	ctx := context.Background()
	svc := memory.New(memory.Config{})
	defer svc.Close()
	if _, err := svc.Set(ctx, "WEATHER_CREDENTIALS", core.String(`{"apiKey": "k-123"}`)); err != nil {
		log.Fatal(err)
	}
	loaded, err := schema.Load(ctx, svc, declared)
	if err != nil {
		log.Fatal(err)
	}
	defer loaded.Close()
	handle := declared.From(loaded)

	t, err := httpauth.New(httpauth.Config{
		Name:   "weather",
		Get:    func(context.Context) (core.Value, error) { return handle.Get().APIKey, nil },
		Scheme: httpauth.Header("X-Api-Key"),
		Hosts:  []string{"127.0.0.1"},
	})
	if err != nil {
		log.Fatal(err)
	}
	api := weatherAPI()
	defer api.Close()
	resp, err := t.HTTP().Get(api.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

func ExampleScheme() {
	for _, text := range []string{"bearer", "basic:api", "header:X-Api-Key", "query:key"} {
		var scheme httpauth.Scheme
		if err := scheme.UnmarshalText([]byte(text)); err != nil {
			log.Fatal(err)
		}
		fmt.Println(scheme)
	}
	// Output:
	// bearer
	// basic:api
	// header:X-Api-Key
	// query:key
}
