package oidc_test

import (
	"errors"
	"testing"

	"github.com/parley-rtc/parley/server/oidc"
)

func TestParseIssuers(t *testing.T) {
	all, err := oidc.ParseIssuers("issuer=https://login.example/{tenantid}/v2.0;tenant=a|b;audience=x|y;use=service|exchange;resource=sales;" +
		"algorithm=ES256;claim=roles:Admin|scp:a:b|roles:Owner;subject=s;discovery=https://login.example/all;ca=/ca.pem;\n" +
		"issuer=http://localhost:8080;use=management")
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	i := all[0]
	if len(i.Tenants) != 2 || len(i.Audiences) != 2 || len(i.Uses) != 2 || i.Resources[0] != "sales" || i.Claims["scp"][0] != "a:b" ||
		len(i.Claims["roles"]) != 2 || i.Subjects[0] != "s" || i.Discovery != "https://login.example/all" || i.CAFile != "/ca.pem" || i.Algorithms[0] != "ES256" {
		t.Errorf("%+v", i)
	}
	if i := all[1]; i.URL != "http://localhost:8080" || i.Uses[0] != oidc.UseManagement {
		t.Errorf("%+v", i)
	}
}

func TestParseIssuers_Entra(t *testing.T) {
	all, err := oidc.ParseIssuers("entra=red|blue;use=service")
	if err != nil || len(all) != 2 || all[0].URL != "https://login.microsoftonline.com/{tenantid}/v2.0" || all[1].URL != "https://sts.windows.net/{tenantid}/" ||
		all[1].Discovery != "https://login.microsoftonline.com/common" || len(all[0].Tenants) != 2 || len(all[1].Tenants) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	v, err := oidc.New(oidc.Options{Issuers: all})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
}

func TestParseIssuers_Refused(t *testing.T) {
	for _, bad := range []string{
		"", " ", "issuer", "issuer=", "issuer=https://a.example", "issuer=http://a.example;use=service", "issuer=https://a.example;use=all",
		"issuer=https://a.example/{tenantid};use=service", "issuer=https://a.example;use=exchange", "issuer=https://a.example;use=service;algorithm=HS256",
		"issuer=https://a.example;use=service;claim=x", "issuer=https://a.example?x=1;use=service", "issuer=https://a.example;use=service;color=red",
		"issuer=https://a.example;use=service;audience=", "issuer=https://a.example;use=service;tenant=a|", "issuer=https://a.example;use=service;subject=",
		"issuer=https://a:b@a.example;use=service", "issuer=https://a.example;use=service;discovery=http://b.example", "entra=;use=service", "entra=red",
		"entra=red;issuer=https://a.example;use=service", "issuer=https://a.example;use=service issuer=x;use=service", "issuer=https://a.example;use=service;algorithm=none",
	} {
		if all, err := oidc.ParseIssuers(bad); !errors.Is(err, oidc.ErrConfiguration) {
			t.Errorf("%q: %+v, %v", bad, all, err)
		}
	}
}

func FuzzParseIssuers(f *testing.F) {
	f.Add("issuer=https://a.example;use=service;claim=a:b")
	f.Add("entra=a|b;use=exchange;audience=c issuer=https://a.example;use=management")
	f.Add(";;=")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := oidc.ParseIssuers(text)
		if err != nil {
			return
		}
		for _, i := range all {
			if i.URL == "" || len(i.Uses) == 0 {
				t.Errorf("%q is %+v", text, i)
			}
		}
	})
}
