package allow

import (
	"log"

	"github.com/lukko-dev/lukko/core"
)

func reveal(v core.Value) {
	log.Print(v.Reveal()) //lukko:allow revealed a demonstration with a made-up value
	//lukko:allow revealed a demonstration with a made-up value
	log.Print(v.Reveal())
	//lukko:allow revealed the statement below is of more than one line
	log.Print(
		"value",
		v.Reveal(),
	)
	log.Print(v.Reveal()) //lukko:allow revealed // want `this comment gives no reason` `a revealed secret gets into a log`
	log.Print(v.Reveal()) //lukko:allow reveal typing error // want `this comment names no rule` `a revealed secret gets into a log`
	log.Print(v.Reveal()) //lukko:allow dynamic another rule // want `this comment allows nothing, since rule dynamic finds nothing here` `a revealed secret gets into a log`
	log.Print(v)          //lukko:allow revealed nothing is // want `this comment allows nothing`
}
