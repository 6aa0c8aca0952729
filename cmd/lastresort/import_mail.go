package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lastresort/decide/history"
	"lastresort/decide/mail"
	"lastresort/decide/whois"
)

// mailbox is a file of one mail or more, as it is shown and read.
type mailbox struct {
	name string
	in   io.Reader // nil for a file that is opened in its turn
}

// importMaildir imports the mails of a Maildir: the files in its cur and new.
func (a *app) importMaildir(ctx context.Context, s *history.Store, dir string, f importFlags) error {
	var boxes []mailbox
	for _, sub := range []string{"cur", "new"} {
		list, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			return fmt.Errorf("%q is a directory and no Maildir: %s/%s can't be read: %s; expected a Maildir with cur and new in it, or a file", dir, dir, sub, reason(err))
		}
		for _, x := range list {
			if x.Type().IsRegular() && !strings.HasPrefix(x.Name(), ".") {
				boxes = append(boxes, mailbox{name: filepath.Join(dir, sub, x.Name())})
			}
		}
	}
	return a.importMails(ctx, s, dir, boxes, f)
}

// mails is what was read of mails.
type mails struct {
	count   int
	answers []mail.Answer
	got     whois.Result
}

// importMails imports what mails report, and what they answer.
func (a *app) importMails(ctx context.Context, s *history.Store, name string, boxes []mailbox, f importFlags) error {
	if f.as != "" && f.as != reported || f.reporter != "" {
		return usage("%s holds mails, which say who sent them; expected --as reported, or no --as, and no --reporter", name)
	}
	policy, err := a.policy()
	if err != nil {
		return err
	}
	h, err := s.LoadRecords(ctx, time.Time{})
	if err != nil {
		return err
	}
	reports := mail.NewReports(h.Reports, policy.Path.FreeMail)
	all := mails{got: whois.Result{Format: whois.Mail}}
	for _, box := range boxes {
		err := a.readMails(ctx, box, reports, &all)
		switch {
		case err != nil && (box.in != nil || ctx.Err() != nil):
			return err
		case err != nil: // one of a Maildir; the others are read all the same
			all.got.Skipped = append(all.got.Skipped, whois.Skip{Why: err.Error()})
		}
	}
	a.progressDone()
	f.as = reported
	b, err := a.storeSightings(ctx, s, name, &all.got, f)
	if err != nil {
		return err
	}
	done, err := a.storeAnswers(ctx, s, all.answers, h.Responses)
	if err != nil {
		return err
	}
	return a.printMails(name, &all, b, done)
}

// readMails reads the mails of one file.
func (a *app) readMails(ctx context.Context, box mailbox, reports mail.Reports, all *mails) error {
	in, alone := box.in, box.in == nil
	if alone {
		f, err := os.Open(box.name)
		if errors.Is(err, os.ErrNotExist) {
			return nil // a mail reader has moved it since
		}
		if err != nil {
			return fmt.Errorf("%q can't be read: %s", box.name, reason(err))
		}
		defer f.Close() // it was only read
		in = f
	}
	show := a.progress("mails read")
	now := a.env.now()
	err := mail.Each(ctx, in, func(n int, m mail.Mail, err error) error {
		where := fmt.Sprintf("mail %d", n)
		if alone {
			where = filepath.Base(box.name)
		}
		skip := func(format string, args ...any) {
			all.got.Skipped = append(all.got.Skipped, whois.Skip{Why: where + ": " + fmt.Sprintf(format, args...)})
		}
		if all.count++; show != nil {
			show(all.count)
		}
		if err != nil {
			skip("%v", err)
			return nil
		}
		answers, err := reports.Answers(m, now)
		if err != nil {
			skip("%v", err)
		}
		all.answers = append(all.answers, answers...)
		entries, skipped := whois.Reported(m)
		for _, x := range skipped {
			skip("%s", x.Why)
		}
		all.got.Entries = append(all.got.Entries, entries...)
		switch {
		case m.Cut != "":
			skip("it was read in part: %s", m.Cut)
		case len(answers)+len(entries)+len(skipped) == 0 && err == nil:
			skip("it is no report that a program can read, and names none of ours")
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%q can't be read: %w", box.name, err)
	}
	return err
}

// answersKept is what the answers in mails came to.
type answersKept struct {
	Recorded int               `json:"recorded"` // automatic ones, which mean nothing
	Waiting  []history.Waiting `json:"waiting"`
	known    int
	left     int
}

// storeAnswers records the automatic answers of whom we wrote to, which mean nothing to any rule, and lets the others wait.
func (a *app) storeAnswers(ctx context.Context, s *history.Store, all []mail.Answer, responses []history.Response) (answersKept, error) {
	out := answersKept{Waiting: []history.Waiting{}}
	var records []history.Record
	var waiting []history.Waiting
	known := map[history.Response]bool{}
	for _, r := range responses {
		known[plain(r)] = true
	}
	for _, x := range all {
		if x.Stance == history.Automatic && x.Doubt == "" {
			r := history.Response{Report: x.Report, At: x.At, Stance: x.Stance, Note: x.Subject}
			if known[plain(r)] {
				out.known++
				continue
			}
			known[plain(r)] = true
			records = append(records, r)
			continue
		}
		waiting = append(waiting, history.Waiting{Report: x.Report, At: x.At, Stance: x.Stance, From: x.From, Subject: x.Subject, Doubt: x.Doubt, Mail: x.ID})
	}
	if err := s.Add(ctx, records, nil); err != nil {
		return out, err
	}
	out.Recorded = len(records)
	if len(waiting) == 0 {
		return out, nil
	}
	_, same, left, err := s.Await(ctx, waiting, responses)
	if err != nil {
		return out, err
	}
	out.known, out.left = out.known+same, left
	open, err := s.Waiting(ctx, responses)
	if err != nil {
		return out, err
	}
	for _, w := range open {
		if slices.Contains(waiting, w) {
			out.Waiting = append(out.Waiting, w)
		}
	}
	return out, nil
}

// plain returns a response as it is the same whatever its time's zone is.
func plain(r history.Response) history.Response {
	r.At = r.At.UTC()
	return r
}

func (a *app) printMails(name string, all *mails, b *imported, done answersKept) error {
	a.skipped(name, all.got.Skipped)
	if done.left > 0 {
		a.note("%s: %s found no room: too many answers wait; settle some and import it again", name, plural(done.left, "answer"))
	}
	if a.json {
		return a.printJSON(struct {
			File    string       `json:"file"`
			Format  whois.Format `json:"format"`
			Mails   int          `json:"mails"`
			Reports int          `json:"reports"`
			Skipped int          `json:"skipped"`
			history.Imported
			Answers answersKept `json:"answers"`
		}{name, whois.Mail, all.count, len(all.got.Entries), len(all.got.Skipped), history.Imported{New: b.fresh, Known: b.same}, done})
	}
	a.page().line("%s: %s, %s: %s, %d known already, %d skipped; %s to our reports: %d recorded as automatic, %d waiting, %d known already", printable(name),
		plural(all.count, "mail"), plural(len(all.got.Entries), "report"), plural(b.fresh, "new record"), b.same, len(all.got.Skipped),
		plural(len(all.answers), "answer"), done.Recorded, len(done.Waiting), done.known)
	a.printWaiting(done.Waiting)
	return nil
}
