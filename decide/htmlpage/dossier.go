package htmlpage

import (
	"time"

	"lastresort/decide"
)

// mostParts bounds the lists of a dossier; how many more there are is said below them.
const mostParts = 12

// dossier is a case laid open, as the page shows it.
type dossier struct {
	*decide.Dossier
	Time       timeline
	Maps       []sketch
	MapsMore   int
	MostDanger float64
	MostLoss   float64
	DangerMore int
	LossMore   int
}

func dossierOf(d *decide.Dossier, now time.Time, ladder []decide.Duration) *dossier {
	id := caseID(d.Case.Netblock)
	out := &dossier{Dossier: d, Time: drawTime(id, d, now, ladder)}
	out.Maps, out.MapsMore = caseMaps(&d.Case, id, wouldBlock(d))
	for _, x := range d.Danger {
		out.MostDanger = max(out.MostDanger, x.PerDay)
	}
	for _, x := range d.Loss {
		out.MostLoss = max(out.MostLoss, x.PerDay)
	}
	out.DangerMore, out.LossMore = max(0, len(d.Danger)-mostParts), max(0, len(d.Loss)-mostParts)
	return out
}

// DangerParts are the most dangerous offenders.
func (d *dossier) DangerParts() []decide.DangerPart { return d.Danger[:min(len(d.Danger), mostParts)] }

// LossParts are the most valuable honest sources.
func (d *dossier) LossParts() []decide.LossPart { return d.Loss[:min(len(d.Loss), mostParts)] }
