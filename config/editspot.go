package config

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// variables finds the variables of the environment, and one of them; nil for
// what is not there.
func (s *spot) variables(id string) (all, allKey, key, value *yaml.Node) {
	if s.value.Kind != yaml.MappingNode {
		return nil, nil, nil, nil
	}
	for k, v := range pairs(s.value) {
		if k.Value == "variables" {
			allKey, all = k, v
		}
	}
	if all == nil {
		return nil, nil, nil, nil
	}
	for k, v := range pairs(all) {
		if k.Value == id {
			key, value = k, v
		}
	}
	return all, allKey, key, value
}

// set returns the edits to try, the most readable first.
func (s *spot) set(id, value string) (tries [][]change) {
	add := func(edits ...change) {
		for _, e := range edits {
			if e.from < 0 || e.to < 0 {
				return
			}
		}
		tries = append(tries, edits)
	}
	all, allKey, key, old := s.variables(id)
	step := s.step()
	switch {
	case old != nil: // another value in the place of the old one
		from, to := s.start(old), s.end(old, indent(key))
		flow := isFlow(all)
		for _, text := range scalars(value, flow, indent(key)+step, s.brk, old) {
			e := change{from, to, text}
			if colon := s.colon(key); colon >= 0 && from > colon && s.blank(colon, from) && !s.sameLine(colon, from) {
				e = change{colon, to, " " + text} // from the lines below up to that of the key
			}
			add(e)
		}
	case all != nil && all.Kind == yaml.MappingNode && len(all.Content) > 0: // one more
		lastKey, last := all.Content[len(all.Content)-2], all.Content[len(all.Content)-1]
		end := s.end(last, indent(lastKey))
		if isFlow(all) {
			for _, text := range scalars(value, true, 0, s.brk, last) {
				add(insert(end, ", "+keyText(id, lastKey)+": "+text))
			}
			break
		}
		for _, entry := range s.entries(id, value, indent(all), lastKey) {
			add(insert(s.lineEnd(end), entry))
		}
	case all != nil && !isFlow(s.value) && all.Kind == yaml.ScalarNode && all.Value == "": // variables: with nothing behind it
		for _, entry := range s.entries(id, value, indent(allKey)+step, allKey) {
			add(insert(s.lineEnd(s.colon(allKey)), entry))
		}
	case all != nil: // {}, null, or nothing in a mapping of one line
		from, to := s.start(all), s.end(all, indent(allKey))
		for _, text := range scalars(value, true, 0, s.brk, allKey) {
			text = "{" + keyText(id, allKey) + ": " + text + "}"
			if from == s.colon(allKey) {
				text = " " + text
			}
			add(change{from, to, text})
		}
	case s.value.Kind == yaml.MappingNode: // variables, behind the last key
		lastKey, last := s.value.Content[len(s.value.Content)-2], s.value.Content[len(s.value.Content)-1]
		end := s.end(last, indent(lastKey))
		if isFlow(s.value) {
			for _, text := range scalars(value, true, 0, s.brk, lastKey) {
				add(insert(end, ", "+keyText("variables", lastKey)+": {"+keyText(id, lastKey)+": "+text+"}"))
			}
			break
		}
		for _, entry := range s.entries(id, value, indent(s.value)+step, lastKey) {
			add(insert(s.lineEnd(end), s.line(indent(s.value), "variables:")+entry))
		}
	default:
		s.spellOut(id, value, add)
	}
	return tries
}

// spellOut makes a mapping of an environment that is a URL or a list.
func (s *spot) spellOut(id, value string, add func(...change)) {
	from, end, step := s.start(s.value), s.end(s.value, indent(s.key)), s.step()
	if isFlow(s.parent) {
		for _, text := range scalars(value, true, 0, s.brk, s.key) {
			add(insert(from, "{"+keyText("stores", s.key)+": "),
				insert(end, ", "+keyText("variables", s.key)+": {"+keyText(id, s.key)+": "+text+"}}"))
		}
		return
	}
	colon := s.colon(s.key)
	if from < 0 || end < 0 || colon < 0 {
		return
	}
	column := indent(s.key) + step // of the new keys
	var stores []change
	switch {
	case s.value.Kind == yaml.SequenceNode && !isFlow(s.value) && indent(s.value) > indent(s.key):
		column = indent(s.value)
		stores = append(stores, insert(s.lineEnd(colon), s.line(column, "stores:")))
	case s.value.Kind == yaml.SequenceNode && !isFlow(s.value): // its dashes are below the key, and have to move
		stores = append(stores, insert(s.lineEnd(colon), s.line(column, "stores:")))
		for _, line := range s.lines {
			if line >= s.lineStart(from) && line <= end && !s.blank(line, s.lineEnd(line)) {
				stores = append(stores, insert(line, strings.Repeat(" ", step)))
			}
		}
	case s.sameLine(colon, from):
		stores = append(stores, insert(colon, s.line(column, "stores:")))
	default: // on a line of its own
		column = indent(s.value)
		stores = append(stores, insert(from, "stores: "))
	}
	for _, entry := range s.entries(id, value, column+step, s.key) {
		add(append(stores[:len(stores):len(stores)], insert(s.lineEnd(end), s.line(column, "variables:")+entry))...)
	}
}

// step is how far a block is from the one that it is in.
func (s *spot) step() int {
	if step := s.key.Column - s.parentKey.Column; !isFlow(s.parent) && step > 0 && step <= 8 {
		return step
	}
	return 2
}

// line is a line of a block, with the break before it.
func (s *spot) line(column int, text string) string {
	return s.brk + strings.Repeat(" ", column) + text
}

// entries are lines for a variable to try.
func (s *spot) entries(id, value string, column int, like *yaml.Node) (entries []string) {
	for _, text := range scalars(value, false, column+s.step(), s.brk, nil) {
		entries = append(entries, s.line(column, keyText(id, like)+": "+text))
	}
	return entries
}

// remove returns the edits that take a variable out; none if they can't be
// told.
func (s *spot) remove(id string) []change {
	all, _, key, value := s.variables(id)
	if key == nil {
		return nil
	}
	from, to := s.start(key), s.end(value, indent(key))
	if from < 0 || to < 0 {
		return nil
	}
	if !isFlow(all) {
		if !s.blank(s.lineStart(from), from) {
			return nil
		}
		from, to = s.lineStart(from), s.lineEnd(to)
		if n := breakLen(s.data[to:]); n > 0 {
			return []change{{from, to + n, ""}}
		}
		return []change{{s.lineEnd(s.lineStart(max(from-1, 0))), to, ""}} // the last line, which has no break
	}
	var before, after *yaml.Node // in a mapping of one line: the value before it, and the key behind it
	for i, n := range all.Content {
		if n != key {
			continue
		}
		if i > 0 {
			before = all.Content[i-1]
		}
		if i+2 < len(all.Content) {
			after = all.Content[i+2]
		}
	}
	separator := func(a, b int) bool {
		return a >= 0 && a <= b && strings.Trim(string(s.data[a:b]), " \t\r\n,") == ""
	}
	switch {
	case before != nil && separator(s.end(before, 0), from):
		return []change{{s.end(before, 0), to, ""}}
	case before == nil && after != nil && separator(to, s.start(after)):
		return []change{{from, s.start(after), ""}}
	case before == nil && after == nil:
		return []change{{from, to, ""}}
	}
	return nil
}
