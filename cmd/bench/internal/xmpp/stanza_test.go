package xmpp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const opened = "<?xml version='1.0'?>\n<stream:stream xmlns='jabber:client' id='1>2'>"

func split(r io.Reader) (all []string, err error) {
	s := splitter{r: bufio.NewReader(r)}
	if err := s.header(); err != nil {
		return nil, err
	}
	for {
		e, err := s.next()
		if err != nil {
			return all, err
		}
		all = append(all, string(e))
	}
}

func TestSplitter(t *testing.T) {
	stanzas := []string{
		"<presence/>", "<message from='a>b' to=\"it's\"><body>1 &gt; 0</body><x/></message>", "<iq><q><r a='/'/></q></iq>", "<a></a>",
	}
	text := opened + strings.Join(stanzas, " \r\n\t") + "</stream:stream>"
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text))} {
		all, err := split(r)
		if !errors.Is(err, io.EOF) || strings.Join(all, "") != strings.Join(stanzas, "") {
			t.Errorf("%s: %q, %v", name, all, err)
		}
	}
}

func TestSplitter_Refuses(t *testing.T) {
	for name, one := range map[string]struct {
		text string
		want error
	}{
		"nothing":               {"", io.EOF},
		"no stream":             {"</stream>", errXML},
		"empty stream":          {"<stream/>", errXML},
		"comment":               {opened + "<!-- -->", errXML},
		"entities":              {"<!DOCTYPE a [<!ENTITY b 'c'>]>", errXML},
		"CDATA":                 {opened + "<body><![CDATA[x]]></body>", errXML},
		"instruction":           {opened + "<?php ?>", errXML},
		"question":              {opened + "<?>", errXML},
		"no name":               {opened + "<>", errXML},
		"tag within a tag":      {opened + "<a <b>", errXML},
		"text between":          {opened + "<a/>hello<b/>", errXML},
		"end within a stanza":   {opened + "<a><b/>", io.ErrUnexpectedEOF},
		"end within a tag":      {opened + "<a b='", io.ErrUnexpectedEOF},
		"end between":           {opened + "<a/>", io.EOF},
		"text without end":      {opened + "<a>" + strings.Repeat("x", largest), errLarge},
		"attribute without end": {opened + "<a b='" + strings.Repeat("x", largest), errLarge},
	} {
		if _, err := split(strings.NewReader(one.text)); !errors.Is(err, one.want) {
			t.Errorf("%s: %v, want %v", name, err, one.want)
		}
	}
}

func TestElement(t *testing.T) {
	e := element("<message  from = 'a&amp;b@c/d'\n to=\"x='y'\" type='chat'><bodyguard>no</bodyguard><body xml:lang='en'>1 &lt; 2 &#x41;&#66; &bad; &</body><empty/></message>")
	if e.name() != "message" {
		t.Errorf("name %q", e.name())
	}
	for name, want := range map[string]string{"from": "a&b@c/d", "to": "x='y'", "type": "chat", "xml:lang": "", "lang": "", "": ""} {
		if got := e.attribute(name); got != want {
			t.Errorf("attribute %q: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"body": "1 < 2 AB &bad; &", "bodyguard": "no"} {
		if got, ok := e.inside(name); !ok || got != want {
			t.Errorf("inside %q: %q, %v", name, got, ok)
		}
	}
	if text, ok := e.inside("subject"); ok || text != "" {
		t.Errorf("inside what is not there: %q", text)
	}
	if got := unescape(escape(`<&>'"`)); got != `<&>'"` {
		t.Errorf("escaped and back: %q", got)
	}
}

func FuzzSplitter(f *testing.F) {
	for _, text := range []string{
		opened + "<presence/></stream:stream>",
		opened + "<message from='a'><body>x &amp; y</body></message><iq id='1' type='result'/>",
		opened + "<a b='>'>\"'</a>", opened + "<!-- -->", opened + "<a><![CDATA[", "<?", "<", opened + "<a b", opened + "<a =''/>", opened + "<a b=c/>",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := splitter{r: bufio.NewReader(bytes.NewReader(data))}
		if err := s.header(); err != nil {
			return
		}
		rest := len(data)
		for {
			e, err := s.next()
			if err != nil {
				return
			}
			if rest -= len(e); rest < 0 || len(e) < 3 || e[0] != '<' || e[len(e)-1] != '>' {
				t.Fatalf("%q", e)
			}
			one := element(e)
			_, _ = one.attribute("from"), one.name()
			if text, ok := one.inside("body"); !ok && text != "" {
				t.Fatalf("%q: %q", e, text)
			}
			// A stanza stands for itself: cut again it is the same.
			again := splitter{r: bufio.NewReader(bytes.NewReader(e))}
			if twice, err := again.next(); err != nil || !bytes.Equal(twice, e) {
				t.Fatalf("%q became %q, %v", e, twice, err)
			}
		}
	})
}
