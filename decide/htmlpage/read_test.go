package htmlpage_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// item is what a page says of one thing: an element with an itemscope, and the properties in it.
type item struct {
	props map[string][]string
	items map[string][]*item
}

func newItem() *item { return &item{map[string][]string{}, map[string][]*item{}} }

// one returns the value of a property that must stand there once; "" where it is missing.
func (i *item) one(t *testing.T, name string) string {
	t.Helper()
	switch v := i.props[name]; len(v) {
	case 0:
		return ""
	case 1:
		return v[0]
	default:
		t.Errorf("%s stands there %d times: %q", name, len(v), v)
		return v[0]
	}
}

// read finds what a page says, as a browser that is told of it would: the value of a data element, the datetime of a time,
// else the text. It fails where an element isn't closed, or an id stands there twice.
func read(t *testing.T, page []byte) (*item, []xml.StartElement) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	root := newItem()
	type open struct {
		start xml.StartElement
		scope *item
		prop  string
		text  *strings.Builder
	}
	stack := []open{{scope: root}}
	var all []xml.StartElement
	ids := map[string]bool{}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the page can't be read: %v", err)
		}
		top := stack[len(stack)-1]
		switch x := token.(type) {
		case xml.StartElement:
			all = append(all, x.Copy())
			a := map[string]string{}
			scoped := false
			for _, one := range x.Attr {
				a[one.Name.Local] = one.Value
				scoped = scoped || one.Name.Local == "itemscope"
			}
			if id := a["id"]; id != "" && ids[id] {
				t.Errorf("id %q stands there twice", id)
			} else {
				ids[id] = true
			}
			next := open{start: x.Copy(), scope: top.scope}
			value, has := a["value"]
			if x.Name.Local == "time" {
				value, has = a["datetime"], true
			}
			switch prop := a["itemprop"]; {
			case scoped:
				next.scope = newItem()
				top.scope.items[prop] = append(top.scope.items[prop], next.scope)
			case prop != "" && has:
				top.scope.props[prop] = append(top.scope.props[prop], value)
			case prop != "":
				next.prop, next.text = prop, &strings.Builder{}
			}
			stack = append(stack, next)
		case xml.EndElement:
			if top.start.Name.Local != x.Name.Local {
				t.Fatalf("<%s> is closed by </%s>", top.start.Name.Local, x.Name.Local)
			}
			if top.prop != "" {
				top.scope.props[top.prop] = append(top.scope.props[top.prop], top.text.String())
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			for _, o := range stack {
				if o.text != nil {
					o.text.Write(x)
				}
			}
		}
	}
	if len(stack) != 1 {
		t.Errorf("<%s> isn't closed", stack[len(stack)-1].start.Name.Local)
	}
	for _, x := range all {
		for _, a := range x.Attr {
			if x.Name.Local == "a" && a.Name.Local == "href" && !ids[strings.TrimPrefix(a.Value, "#")] {
				t.Errorf("a link leads to %q, which isn't there", a.Value)
			}
		}
	}
	return root, all
}
