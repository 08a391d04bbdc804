package record

import (
	"bytes"
	"maps"
	"slices"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// Clone returns a copy of the record that shares no memory with it. It is much cheaper than
// decoding the record again.
func (f *Record) Clone() *Record {
	c := *f
	c.Handover = clonePointer(f.Handover)
	c.Past = slices.Clone(f.Past)
	c.Out, c.In, c.Control = f.Out.clone(), f.In.clone(), f.Control.clone()
	c.Words = slices.Clone(f.Words)
	for i := range c.Words {
		c.Words[i].Message = c.Words[i].Message.clone()
	}
	c.Sent = slices.Clone(f.Sent)
	c.ReceivedIDs, c.ForwardedIDs = slices.Clone(f.ReceivedIDs), slices.Clone(f.ForwardedIDs)
	c.Requests, c.Receipts, c.Awaited = slices.Clone(f.Requests), slices.Clone(f.Receipts), slices.Clone(f.Awaited)
	c.Addressees, c.Watched, c.Log = slices.Clone(f.Addressees), slices.Clone(f.Watched), slices.Clone(f.Log)
	for i := range c.Watched {
		c.Watched[i].Unseen = slices.Clone(c.Watched[i].Unseen)
	}
	c.unknown = f.unknown.clone()
	return &c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

func (l lane) clone() lane {
	l.Entries = slices.Clone(l.Entries)
	for i := range l.Entries {
		l.Entries[i] = l.Entries[i].clone()
	}
	return l
}

func (x Entry) clone() Entry {
	x.Opening, x.Delivery, x.Message = x.Opening.clone(), x.Delivery.clone(), x.Message.clone()
	x.Session = clonePointer(x.Session)
	if x.Notice = clonePointer(x.Notice); x.Notice != nil {
		x.Notice.Wait = clonePointer(x.Notice.Wait)
	}
	return x
}

func (o *Opening) clone() *Opening {
	c := clonePointer(o)
	if c != nil {
		c.Texts, c.Attributes, c.lines = slices.Clone(o.Texts), maps.Clone(o.Attributes), slices.Clone(o.lines)
	}
	return c
}

func (d *Delivery) clone() *Delivery {
	c := clonePointer(d)
	if c != nil {
		c.Message.Content, c.Verdict = cloneContents(d.Message.Content), clonePointer(d.Verdict)
	}
	return c
}

func (m *Message) clone() *Message {
	c := clonePointer(m)
	if c != nil {
		c.Attachments, c.Reply = slices.Clone(m.Attachments), clonePointer(m.Reply)
	}
	return c
}

func (u unknownFields) clone() unknownFields {
	c := maps.Clone(u)
	for place, fields := range c {
		c[place] = maps.Clone(fields)
		for name, value := range c[place] {
			c[place][name] = bytes.Clone(value)
		}
	}
	return c
}

func cloneContents(list openmessaging.Contents) openmessaging.Contents {
	c := slices.Clone(list)
	for i := range c {
		c[i] = cloneContent(c[i])
	}
	return c
}

func cloneContent(item openmessaging.Content) openmessaging.Content {
	switch c := item.(type) {
	case openmessaging.QuickReplies:
		c.Actions = slices.Clone(c.Actions)
		return c
	case openmessaging.Card:
		return cloneCard(c)
	case openmessaging.Carousel:
		c.Cards = slices.Clone(c.Cards)
		for i := range c.Cards {
			c.Cards[i] = cloneCard(c.Cards[i])
		}
		return c
	case openmessaging.DatePicker:
		c.Times = slices.Clone(c.Times)
		return c
	case openmessaging.ListPicker:
		c.Sections = slices.Clone(c.Sections)
		for i := range c.Sections {
			c.Sections[i].Items = slices.Clone(c.Sections[i].Items)
		}
		return c
	case openmessaging.UnknownContent:
		c.Raw = bytes.Clone(c.Raw)
		return c
	case openmessaging.Text, openmessaging.Attachment, openmessaging.QuickReply, openmessaging.Template, openmessaging.Location:
		return c // values without memory of their own
	default:
		return c
	}
}

func cloneCard(c openmessaging.Card) openmessaging.Card {
	c.Default, c.Actions = clonePointer(c.Default), slices.Clone(c.Actions)
	return c
}
