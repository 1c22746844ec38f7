package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrNotBegun is the end of a request that the server refused, or gave not one
// token for, as vLLM does with what comes after a TERM.
var ErrNotBegun = errors.New("the server began no completion")

// Stream asks for a completion of that many tokens, each sent as it comes, and
// reads it to its end. The error is ErrNotBegun where none came; any other says
// that the completion was cut.
func Stream(ctx context.Context, server string, tokens int) error {
	answer, err := complete(ctx, server, tokens, true)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotBegun, err)
	}
	defer func() { _ = answer.Body.Close() }()
	parts, finish := 0, ""
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		data, event := strings.CutPrefix(lines.Text(), "data: ")
		if !event || data == "[DONE]" {
			continue
		}
		var part struct {
			Choices []struct {
				Finish string `json:"finish_reason"`
			}
		}
		if err := json.Unmarshal([]byte(data), &part); err != nil {
			return fmt.Errorf("the part %q: %w", data, err)
		}
		for _, choice := range part.Choices {
			parts, finish = parts+1, choice.Finish
		}
	}
	switch {
	case finish == "length": // all the tokens
		return nil
	case parts == 0:
		return fmt.Errorf("%w: %s", ErrNotBegun, answer.Status)
	default:
		return fmt.Errorf("the completion is cut after %d parts, finish_reason %q: %w", parts, finish, errors.Join(lines.Err(), ctx.Err()))
	}
}
