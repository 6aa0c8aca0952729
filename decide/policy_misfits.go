package decide

import (
	"cmp"
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"lastresort/netblock"
)

// misfits is what of a policy's text doesn't fit the policy's keys and units.
type misfits struct {
	text string
	list []PolicyError
}

func (m *misfits) add(line int, format string, args ...any) {
	m.list = append(m.list, PolicyError{Line: line, Why: fmt.Sprintf(format, args...)})
}

// first returns the misfit that stands first in the text, or nil.
func (m *misfits) first(name string) error {
	if len(m.list) == 0 {
		return nil
	}
	e := slices.MinFunc(m.list, func(a, b PolicyError) int { return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Why, b.Why)) })
	e.File = name
	return &e
}

// value checks what stands under a dotted key against the type that it is read into.
func (m *misfits) value(key string, t reflect.Type, v any) {
	if u, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler); ok {
		m.unit(key, u, v)
		return
	}
	var ok bool
	var want string
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		table, isTable := v.(map[string]any)
		ok, want = isTable, "a table"
		for _, k := range slices.Sorted(maps.Keys(table)) {
			m.entry(key, k, t, table[k])
		}
	case reflect.Slice:
		ok, want = m.elements(key, t.Elem(), v)
	case reflect.Int, reflect.Int64:
		_, ok = v.(int64)
		want = "a whole number"
	case reflect.Float64:
		_, isFloat := v.(float64)
		_, isInt := v.(int64)
		ok, want = isFloat || isInt, "a number"
	case reflect.Bool:
		_, ok = v.(bool)
		want = "true or false"
	case reflect.String:
		_, ok = v.(string)
		want = "a text in quotes"
	}
	if !ok {
		m.add(lineOf(m.text, key), "%s is %s; expected %s", key, said(v), want)
	}
}

// entry checks one key of a table.
func (m *misfits) entry(table, k string, t reflect.Type, v any) {
	key := strings.TrimPrefix(table+"."+k, ".")
	if t.Kind() == reflect.Map {
		m.value(key, t.Elem(), v)
		return
	}
	var names []string
	for f := range t.Fields() {
		if name := f.Tag.Get("toml"); name == k {
			m.value(key, f.Type, v)
			return
		} else {
			names = append(names, name)
		}
	}
	m.add(lineOf(m.text, key), "%q is no key of a policy; expected one of %s", key, strings.Join(names, ", "))
}

// elements checks a list.
func (m *misfits) elements(key string, t reflect.Type, v any) (ok bool, want string) {
	if t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		tables, ok := v.([]map[string]any)
		for _, x := range tables {
			m.value(key, t, x)
		}
		return ok, "tables, each headed [[" + key + "]]"
	}
	list, ok := v.([]any)
	for _, x := range list {
		m.value(key, t, x)
	}
	return ok, "a list in brackets"
}

// unit checks a text that has a form of its own, such as a duration or a range.
func (m *misfits) unit(key string, into encoding.TextUnmarshaler, v any) {
	s, ok := v.(string)
	if !ok {
		s = fmt.Sprint(v)
	}
	err := into.UnmarshalText([]byte(s))
	switch {
	case !ok && err != nil:
		m.add(lineOf(m.text, key), "%v", err)
	case !ok:
		m.add(lineOf(m.text, key), "%s is %s; expected it in quotes", key, said(v))
	case err != nil:
		m.add(lineOfLiteral(m.text, key, s, 1), "%v", err)
	}
}

// said is a value as it may have been written, for an error.
func said(v any) string {
	switch v.(type) {
	case map[string]any, []map[string]any:
		return "a table"
	case []any:
		return "a list"
	}
	return quoted(v)
}

// overlaps looks for a protected range that overlaps an earlier one.
func (m *misfits) overlaps(ranges []netblock.Range, written []any) {
	for i, r := range ranges {
		for j, earlier := range ranges[:i] {
			if !r.Overlaps(earlier) {
				continue
			}
			nth := 1
			for _, w := range written[:i] {
				if w == written[i] {
					nth++
				}
			}
			line := lineOfLiteral(m.text, "protect.ranges", written[i].(string), nth)
			m.add(line, "%q overlaps %q; expected ranges apart from each other", written[i], written[j])
		}
	}
}

// lineOf finds the line on which a dotted key stands in a policy's text, or the table that it belongs to, or 0.
func lineOf(text, key string) int {
	table, best, bestLen := "", 0, -1
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			head, _, _ := strings.Cut(line, "#")
			table = strings.TrimSpace(strings.Trim(head, "[] \t"))
			if (key == table || strings.HasPrefix(key, table+".")) && len(table) > bestLen {
				best, bestLen = i+1, len(table)
			}
			continue
		}
		name, _, ok := strings.Cut(line, "=")
		full := strings.Trim(strings.TrimSpace(name), `"'`)
		if table != "" {
			full = table + "." + full
		}
		if ok && (full == key || strings.HasPrefix(key, full+".")) && len(full) > bestLen {
			best, bestLen = i+1, len(full)
		}
	}
	return best
}

// lineOfLiteral finds the line at or after a key's on which a value stands in quotes for the nth time, or the key's.
func lineOfLiteral(text, key, literal string, nth int) int {
	from := lineOf(text, key)
	for i, line := range strings.Split(text, "\n") {
		if i+1 < from {
			continue
		}
		if nth -= strings.Count(line, `"`+literal+`"`) + strings.Count(line, `'`+literal+`'`); nth <= 0 {
			return i + 1
		}
	}
	return from
}
