package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lastresort/decide"
	"lastresort/decide/history"
	"lastresort/decide/htmlpage"
	"lastresort/netblock"
)

// draws gives a command the flag --html.
func (a *app) draws(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&a.html, "html", "", "draw it as a page of HTML, into `FILE` too; - prints that page instead")
	return c
}

// htmlAsked tells whether a page is asked for. A file that can't be one is refused before anything else is done.
func (a *app) htmlAsked() (bool, error) {
	switch {
	case a.html == "":
		return false, nil
	case a.html == "-" && a.json:
		return false, usage("--html - and --json exclude each other; expected a file, or one of them")
	case a.html == "-":
		return true, nil
	}
	_, err := pageTarget(a.html)
	return true, err
}

// pageTarget returns the file that a page goes into: itself, or what it links to.
func pageTarget(name string) (string, error) {
	target := name
	if to, err := filepath.EvalSymlinks(name); err == nil {
		target = to
	}
	info, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(target)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return "", usage("%q can't be written: %q is no directory; expected a file in one that exists", name, dir)
		}
	case err != nil:
		return "", usage("%q can't be written: %s", name, reason(err))
	case info.IsDir():
		return "", usage("%q is a directory; expected a file, such as %s", name, filepath.Join(name, "review.html"))
	case !info.Mode().IsRegular():
		return "", usage("%q is no regular file; expected one, or - for standard output", name)
	}
	return target, nil
}

// writePage draws a page into the file that --html names: all of it or nothing, as readers and a crash see it.
func (a *app) writePage(ctx context.Context, draw func(io.Writer) error) error {
	if a.html == "-" {
		return draw(&steadyWriter{ctx: ctx, w: a.stdout, told: a.progress("kB of the page drawn")})
	}
	target, err := pageTarget(a.html)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+"."+rand.Text()[:10]), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("%q can't be written: %s", a.html, reason(err))
	}
	err = draw(&steadyWriter{ctx: ctx, w: file, told: a.progress("kB of the page drawn")})
	a.progressDone()
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), target)
	}
	if err == nil {
		return nil
	}
	_ = os.Remove(file.Name()) // why it couldn't be written matters more
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%q can't be written: %s", a.html, reason(err))
}

// steadyWriter writes until it is interrupted, and shows how far it has come.
type steadyWriter struct {
	ctx  context.Context
	w    io.Writer
	n    int
	told func(int)
}

// Write implements io.Writer.
func (s *steadyWriter) Write(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.w.Write(p)
	s.n += n
	if s.told != nil {
		s.told(s.n / 1000)
	}
	return n, err
}

// mostDossiers is how many cases a page lays open, unless all are asked for.
const mostDossiers = 200

// drawReview judges a moment again from records without names, and draws the page of it. notes are what the review tells
// beyond that.
func (a *app) drawReview(ctx context.Context, h *history.History, p *decide.Policy, now time.Time, notes []decide.Note, all bool) error {
	h = htmlpage.Nameless(h)
	told := a.progress("dossiers laid open")
	r, dossiers, err := decide.Study(h, p, now, func(r *decide.Review) []netip.Prefix {
		list := htmlpage.Order(r)
		if !all {
			list = list[:min(len(list), mostDossiers)]
		}
		return list
	}, func(done int) error {
		if told != nil {
			told(done)
		}
		return ctx.Err()
	})
	a.progressDone()
	if err != nil {
		return err
	}
	r.Notes = append(notes, r.Notes...)
	never := netblock.SetOf(decide.Exempted(h, p, now)...).Union(decide.Unblockable(p)).Ranges()
	night := htmlpage.Night{Review: r, Dossiers: dossiers, Ladder: p.Length.Ladder, Protected: never}
	return a.writePage(ctx, func(w io.Writer) error { return htmlpage.Review(w, &night) })
}
