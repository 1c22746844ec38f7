package config

import "strings"

// MarkdownTable returns the README's table of the variables.
func MarkdownTable() string {
	var b strings.Builder
	b.WriteString("| variable | default | accepted | meaning |\n|---|---|---|---|\n")
	for _, v := range variables() {
		def := v.unset
		if v.def != "" {
			def = "`" + v.def + "`"
		}
		b.WriteString("| " + strings.Join([]string{"`" + v.name + "`", def, cell(v.accepted()), cell(v.doc)}, " | ") + " |\n")
	}
	return b.String()
}

// cell keeps text from being taken for a table's or an emphasis' marks.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`).Replace(text)
}
