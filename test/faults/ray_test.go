package faults

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	rayPort = 6379
	// heldRay and a node's address is a file's name beside the programs; while it
	// is there, that node's Ray does not start.
	heldRay    = "hold-"
	rayletPort = 7000 // fixed, so that one that is left keeps the next from starting
)

// programs are those that this binary is in a container, by the names that it
// is called by there.
func programs() map[string]func(args []string) error {
	return map[string]func([]string) error{"ray": ray, "raylet": raylet, "job": job, "stray": stray}
}

// ray stands in for `ray start --block`: the head's has a GCS that lists the
// nodes, behind Ray's token; every node's starts a raylet that ends only when
// it is killed.
func ray(args []string) error {
	option := func(name string) (value string) {
		for _, arg := range args {
			if v, ok := strings.CutPrefix(arg, name+"="); ok {
				value = v
			}
		}
		return value
	}
	token, err := rayToken()
	if err != nil {
		return err
	}
	own, gcs := option("--node-ip-address"), option("--address")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		if _, err := os.Stat(sibling(heldRay + own)); err != nil {
			break
		}
	}
	cluster := &cluster{token: token, nodes: map[string]int{own: 1}}
	if gcs == "" {
		if err := cluster.serve("0.0.0.0:" + option("--port")); err != nil {
			return err
		}
	}
	node := exec.Command(sibling("raylet"), generation(token))
	node.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	node.Stderr = os.Stderr
	if err := node.Start(); err != nil {
		return err
	}
	if gcs != "" {
		// For as long as this is open, the node is alive. A head that isn't reached
		// is tried again, as Ray does.
		join := "/join?" + url.Values{"addr": {own}}.Encode()
		alive, err := ask(context.Background(), gcs, join, token)
		for unreached := (*url.Error)(nil); errors.As(err, &unreached); <-tick.C {
			alive, err = ask(context.Background(), gcs, join, token)
		}
		if err != nil {
			return err
		}
		defer func() { _ = alive.Close() }()
	}
	fmt.Println("Ray runtime started.")
	if err := node.Wait(); err != nil {
		return fmt.Errorf("raylet: %w", err)
	}
	return nil
}

// raylet heeds no TERM, and has a port and an abstract socket.
func raylet(args []string) error {
	port, err := net.Listen("tcp", fmt.Sprint("0.0.0.0:", rayletPort))
	if err != nil {
		return err
	}
	defer func() { _ = port.Close() }()
	socket, err := net.Listen("unix", "@raylet-"+args[0])
	if err != nil {
		return err
	}
	defer func() { _ = socket.Close() }()
	heedNothing()
	return nil
}

// heedNothing goes on until KILL.
func heedNothing() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	for range told { // nothing follows from it
	}
}

// job says which Ray it runs on, leaves a process of its own, and goes on.
func job([]string) error {
	token, err := rayToken()
	if err != nil {
		return err
	}
	answer, err := ask(context.Background(), os.Getenv("RAY_ADDRESS"), "/nodes", token)
	if err != nil {
		return err
	}
	nodes, err := io.ReadAll(answer)
	if err != nil {
		return err
	}
	left := exec.Command(sibling("stray"))
	left.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := left.Start(); err != nil {
		return err
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGUSR1, syscall.SIGTERM)
	fmt.Printf("JOB %s %s\n", generation(token), nodes)
	<-end
	os.Exit(jobCode)
	return nil
}

// jobCode is what the job ends with when it is told to.
const jobCode = 3

func stray([]string) error {
	heedNothing()
	return nil
}

// sibling is another of the programs, which lie in one folder.
func sibling(name string) string { return filepath.Join(filepath.Dir(os.Args[0]), name) }

func rayToken() (string, error) {
	text, err := os.ReadFile(os.Getenv("RAY_AUTH_TOKEN_PATH"))
	return string(text), err
}

// generation names a run by its Ray's token.
func generation(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:4])
}

// ask puts a question to a GCS; the answer lasts until it is closed.
func ask(ctx context.Context, gcs, path, token string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+gcs+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, errors.New("the GCS says " + answer.Status)
	}
	return answer.Body, nil
}

// cluster is a GCS.
type cluster struct {
	token string
	mu    sync.Mutex
	nodes map[string]int // address → how many times it is alive
}

func (c *cluster) serve(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/join", c.join)
	mux.HandleFunc("/nodes", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Join(c.alive(), " "))
	})
	mux.HandleFunc("/ray.rpc.NodeInfoGcsService/GetAllNodeInfo", c.allNodes)
	server := &http.Server{Handler: c.closed(mux), Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go func() { fmt.Fprintln(os.Stderr, server.Serve(l)) }()
	return nil
}

// closed keeps out whoever has another run's token.
func (c *cluster) closed(to http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") == "Bearer "+c.token:
			to.ServeHTTP(w, r)
		case r.ProtoMajor == 2: // UNAUTHENTICATED
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "16")
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}

func (c *cluster) alive() (nodes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for addr, times := range c.nodes {
		if times > 0 {
			nodes = append(nodes, addr)
		}
	}
	slices.Sort(nodes)
	return nodes
}

func (c *cluster) count(addr string, more int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes[addr] += more
}

func (c *cluster) join(w http.ResponseWriter, r *http.Request) {
	addr := r.URL.Query().Get("addr")
	c.count(addr, 1)
	defer c.count(addr, -1)
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// allNodes answers in Ray's protobuf: repeated field 2, in it 2 for the address.
func (c *cluster) allNodes(w http.ResponseWriter, _ *http.Request) {
	text := func(b []byte, num byte, s string) []byte {
		b = binary.AppendUvarint(append(b, num<<3|2), uint64(len(s)))
		return append(b, s...)
	}
	var message []byte
	for _, addr := range c.alive() {
		message = text(message, 2, string(text(nil, 2, addr)))
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))))
	_, _ = w.Write(message)
	w.Header().Set("Grpc-Status", "0")
}
