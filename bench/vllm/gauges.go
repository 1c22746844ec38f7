package main

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
)

// requests is how many requests the server says that it has.
func requests(server string) (n int, err error) {
	answer, err := http.DefaultClient.Get(server + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	for _, gauge := range gauges.FindAllStringSubmatch(string(text), -1) {
		value, perr := strconv.ParseFloat(gauge[1], 64)
		n, err = n+int(value), errors.Join(err, perr)
	}
	return n, err
}

var gauges = regexp.MustCompile(`(?m)^vllm:num_requests_(?:running|waiting)\{.*\} (.*)$`)
