package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Exit codes of a command that could not be executed, as shells have them.
const (
	codeNotExecutable = 126
	codeNotFound      = 127
)

// defaultPath is searched where PATH isn't set, as execvp(3) does.
const defaultPath = "/bin:/usr/bin"

// ExecError is a command that could not be executed.
type ExecError struct {
	Command string
	Code    int // 126: there, but not executable; 127: not found
	Err     error
}

func (e *ExecError) Error() string {
	switch {
	case e.Command == "":
		return "an empty word in place of the command; is a variable in it not set?"
	case e.Code == codeNotFound && strings.Contains(e.Command, "/"):
		return e.Command + ": no such file or directory; check the path, inside the container"
	case e.Code == codeNotFound:
		return e.Command + ": command not found; check the spelling, and that the image has it in PATH"
	case errors.Is(e.Err, syscall.EACCES):
		return e.Command + ": permission denied; make it executable (chmod +x), on a file system not mounted noexec"
	case errors.Is(e.Err, syscall.EISDIR):
		return e.Command + ": is a directory; name a file in it"
	case errors.Is(e.Err, syscall.ENOEXEC):
		return e.Command + ": exec format error; a script needs a first line such as #!/bin/sh, a program this machine's architecture"
	case errors.Is(e.Err, syscall.ENOENT):
		return e.Command + ": its interpreter is missing; see the path behind #! in its first line, or the loader that `file` shows"
	}
	return fmt.Sprintf("%s: cannot be executed: %v", e.Command, e.Err)
}

func (e *ExecError) Unwrap() error { return e.Err }

// Find returns the *ExecError that Start would return for a command that isn't
// there, or can't be executed.
func (c *Command) Find() error {
	_, err := lookPath(c.Argv[0], c.Env)
	return err
}

// lookPath finds a command as execvp(3) does in the PATH of env: of what can't
// be executed the first one counts, where nothing else is found.
func lookPath(command string, env environ) (string, error) {
	if strings.Contains(command, "/") {
		if err := executable(command); err != nil {
			return "", newExecError(command, err)
		}
		return command, nil
	}
	list, ok := env.lookup("PATH")
	if !ok {
		list = defaultPath
	}
	first := fs.ErrNotExist
	if command != "" {
		for dir := range strings.SplitSeq(list, ":") {
			path := filepath.Join(dir, command)
			if dir == "" || dir == "." {
				path = "./" + command
			}
			err := executable(path)
			if err == nil {
				return path, nil
			}
			if errors.Is(first, fs.ErrNotExist) {
				first = err
			}
		}
	}
	return "", newExecError(command, first)
}

// executable returns why a file can't be executed, or nil.
func executable(path string) error {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		return syscall.EISDIR
	}
	return unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS)
}

func newExecError(command string, err error) *ExecError {
	code := codeNotExecutable
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		code = codeNotFound
	}
	return &ExecError{Command: command, Code: code, Err: err}
}
