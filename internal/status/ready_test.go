package status

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// health is a server that answers /health with the code, and anything else with
// 404; a redirect leads to where all is well.
func health(code int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/health":
			w.Header().Set("Location", "/fine")
			w.WriteHeader(code)
		case "/fine":
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

func ready(s State) string {
	if err := s.Ready(context.Background()); err != nil {
		return err.Error()
	}
	return ""
}

func TestReadyFollowsTheServer(t *testing.T) {
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	for code, want := range map[int]string{200: "", 503: "503", 302: "302", 500: "500"} {
		plain := httptest.NewServer(health(code))
		secure := httptest.NewTLSServer(health(code))
		socket := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		local := &httptest.Server{Listener: l, Config: &http.Server{Handler: health(code)}}
		local.Start()
		for _, h := range []Health{
			{URL: plain.URL + "/health"}, {URL: secure.URL + "/health"}, {URL: "http://localhost/health", Socket: socket},
		} {
			if got := ready(State{State: Running, Health: &h}); want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("%s, %d: %q", h, code, got)
			}
		}
		for _, s := range []*httptest.Server{plain, secure, local} {
			s.Close()
		}
		if got := ready(State{State: Running, Health: &Health{URL: plain.URL + "/health"}}); !strings.Contains(got, "doesn't serve yet") || !strings.Contains(got, "refused") {
			t.Errorf("closed: %q", got)
		}
	}
}

func TestReadyFollowsTheRun(t *testing.T) {
	for want, s := range map[string]State{
		"":                                      {State: Running},
		"syminit is starting":                   {},
		"gathering: 1/2 nodes are here":         {State: "gathering", Waiting: "1/2 nodes are here"},
		"starting":                              {State: "starting"},
		"draining":                              {State: "draining"},
		"the run ends: SIGTERM on node a":       {State: Running, Ending: "SIGTERM on node a"},
		"the run ends: lost node b":             {State: "draining", Ending: "lost node b"},
		"the run ends: SIGINT on node a, early": {State: Running, Ending: "SIGINT on node a, early", Health: &Health{URL: "http://127.0.0.1:1"}},
	} {
		if got := ready(s); got != want {
			t.Errorf("%+v: %q, want %q", s, got, want)
		}
	}
}
