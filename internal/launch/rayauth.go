package launch

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Ray's names for what decides who may talk to it,
// https://docs.ray.io/en/latest/ray-security/token-auth.html.
const (
	rayAuthMode      = "RAY_AUTH_MODE"
	rayAuthToken     = "RAY_AUTH_TOKEN"      //nolint:gosec // the name, not the value
	rayAuthTokenPath = "RAY_AUTH_TOKEN_PATH" //nolint:gosec // the name, not the value

	rayAuthModeToken = "token"
)

// rayAuth returns the variables that close the Ray cluster to whoever lacks
// the token, unless the environment has decided about that already.
func rayAuth(s *Spec) (vars []variable, warnings []string) {
	if s.Ray.TokenPath == "" || rayAuthGiven(s.Env) {
		return nil, nil
	}
	if !hasTokenAuth(s.Ray.Version) {
		return nil, []string{fmt.Sprintf("Ray %s has no token authentication: whoever reaches its ports can run code on these nodes; use Ray 2.52 or later, or keep others off this network", s.Ray.Version)}
	}
	return []variable{{rayAuthMode, rayAuthModeToken}, {rayAuthTokenPath, s.Ray.TokenPath}}, nil
}

// rayAuthGiven reports whether env leaves no place for a token: because it has
// one, or chooses a mode that takes none.
func rayAuthGiven(env environ) bool {
	mode, ok := env.lookup(rayAuthMode)
	if ok && !strings.EqualFold(mode, rayAuthModeToken) {
		return true
	}
	token, _ := env.lookup(rayAuthToken)
	path, _ := env.lookup(rayAuthTokenPath)
	return token != "" || path != ""
}

// RayToken returns the token that the environment gives to Ray. It reports
// false where the environment leaves the choice, and then RaySpec.TokenPath
// decides. The token is "" where it chooses a mode without one.
func RayToken(environment []string) (token string, given bool, err error) {
	e := environ(environment)
	if !rayAuthGiven(e) {
		return "", false, nil
	}
	if mode, ok := e.lookup(rayAuthMode); ok && !strings.EqualFold(mode, rayAuthModeToken) {
		return "", true, nil
	}
	if token, _ := e.lookup(rayAuthToken); token != "" {
		return token, true, nil
	}
	path, _ := e.lookup(rayAuthTokenPath)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", true, fmt.Errorf("%s: %w; make the file readable, or unset the variable and let syminit derive a token", rayAuthTokenPath, err)
	}
	return string(bytes.TrimSpace(text)), true, nil
}

// hasTokenAuth reports whether a Ray of this version can keep out whoever lacks
// its token: from 2.52 on. A version that can't be read counts as one that can;
// an older Ray ignores the token.
func hasTokenAuth(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return true
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil {
		return true
	}
	return major > 2 || major == 2 && minor >= 52
}
