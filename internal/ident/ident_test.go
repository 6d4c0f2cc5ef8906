package ident_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/ident"
)

const (
	resource = "37691ec4-57fb-4c0f-ae31-32791610cb14"
	user     = "0b6d1fa4-1f4e-4d34-8e2e-2c1f3e4d5c6b"
	tenant   = "9b665d53-8164-4923-ad5d-5e983b07d2e7"
)

func TestParse_EveryKind(t *testing.T) {
	tests := []struct {
		raw  string
		want ident.Identifier
		kind ident.Kind
	}{
		{"8:acs:" + resource + "_" + user, ident.CommunicationUserIdentifier{ID: "8:acs:" + resource + "_" + user}, ident.KindCommunicationUser},
		{"8:dod-acs:r_u", ident.CommunicationUserIdentifier{ID: "8:dod-acs:r_u"}, ident.KindCommunicationUser},
		{"8:gcch-acs:r_u", ident.CommunicationUserIdentifier{ID: "8:gcch-acs:r_u"}, ident.KindCommunicationUser},
		{"8:spool:s", ident.CommunicationUserIdentifier{ID: "8:spool:s"}, ident.KindCommunicationUser},
		{"8:acs:no-underscore", ident.CommunicationUserIdentifier{ID: "8:acs:no-underscore"}, ident.KindCommunicationUser},
		{"8:acs:a_b_c_d", ident.CommunicationUserIdentifier{ID: "8:acs:a_b_c_d"}, ident.KindCommunicationUser},
		{"8:acs:_b_c", ident.CommunicationUserIdentifier{ID: "8:acs:_b_c"}, ident.KindCommunicationUser},
		{
			"8:acs:" + resource + "_" + tenant + "_" + user,
			ident.TeamsExtensionUserIdentifier{ResourceID: resource, TenantID: tenant, UserID: user, Cloud: ident.CloudPublic},
			ident.KindTeamsExtensionUser,
		},
		{"8:dod-acs:r_t_u", ident.TeamsExtensionUserIdentifier{ResourceID: "r", TenantID: "t", UserID: "u", Cloud: ident.CloudDOD}, ident.KindTeamsExtensionUser},
		{"8:gcch-acs:r_t_u", ident.TeamsExtensionUserIdentifier{ResourceID: "r", TenantID: "t", UserID: "u", Cloud: ident.CloudGCCH}, ident.KindTeamsExtensionUser},
		{"4:+14255550123", ident.PhoneNumberIdentifier{PhoneNumber: "+14255550123"}, ident.KindPhoneNumber},
		{"4:14255550123", ident.PhoneNumberIdentifier{PhoneNumber: "14255550123"}, ident.KindPhoneNumber},
		{"4:112", ident.PhoneNumberIdentifier{PhoneNumber: "112"}, ident.KindPhoneNumber},
		{"4:anonymous", ident.PhoneNumberIdentifier{PhoneNumber: "anonymous"}, ident.KindPhoneNumber},
		{"4:+14255550123_7a", ident.PhoneNumberIdentifier{PhoneNumber: "+14255550123", AssertedID: "7a"}, ident.KindPhoneNumber},
		{"4:a_b_c", ident.PhoneNumberIdentifier{PhoneNumber: "a_b", AssertedID: "c"}, ident.KindPhoneNumber},
		{"4:+1_", ident.PhoneNumberIdentifier{PhoneNumber: "+1_"}, ident.KindPhoneNumber},
		{"8:orgid:" + user, ident.MicrosoftTeamsUserIdentifier{UserID: user, Cloud: ident.CloudPublic}, ident.KindMicrosoftTeamsUser},
		{"8:dod:u", ident.MicrosoftTeamsUserIdentifier{UserID: "u", Cloud: ident.CloudDOD}, ident.KindMicrosoftTeamsUser},
		{"8:gcch:u", ident.MicrosoftTeamsUserIdentifier{UserID: "u", Cloud: ident.CloudGCCH}, ident.KindMicrosoftTeamsUser},
		{"8:teamsvisitor:v", ident.MicrosoftTeamsUserIdentifier{UserID: "v", Anonymous: true, Cloud: ident.CloudPublic}, ident.KindMicrosoftTeamsUser},
		{"28:orgid:b", ident.MicrosoftTeamsAppIdentifier{AppID: "b", Cloud: ident.CloudPublic}, ident.KindMicrosoftTeamsApp},
		{"28:dod:b", ident.MicrosoftTeamsAppIdentifier{AppID: "b", Cloud: ident.CloudDOD}, ident.KindMicrosoftTeamsApp},
		{"28:gcch:b", ident.MicrosoftTeamsAppIdentifier{AppID: "b", Cloud: ident.CloudGCCH}, ident.KindMicrosoftTeamsApp},
		{"28:b", ident.UnknownIdentifier{ID: "28:b"}, ident.KindUnknown},
		{"8:echo123", ident.UnknownIdentifier{ID: "8:echo123"}, ident.KindUnknown},
		{"8:ACS:r_u", ident.UnknownIdentifier{ID: "8:ACS:r_u"}, ident.KindUnknown},
		{"48:conversations", ident.UnknownIdentifier{ID: "48:conversations"}, ident.KindUnknown},
		{"anything", ident.UnknownIdentifier{ID: "anything"}, ident.KindUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			got, err := ident.Parse(tt.raw)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("Parse = %#v, want %#v", got, tt.want)
			}
			if got.Kind() != tt.kind {
				t.Errorf("Kind = %q, want %q", got.Kind(), tt.kind)
			}
			if got.RawID() != tt.raw {
				t.Errorf("RawID = %q, want %q", got.RawID(), tt.raw)
			}
		})
	}
}

func TestParse_Invalid(t *testing.T) {
	for name, raw := range map[string]string{
		"empty":             "",
		"nothing after acs": "8:acs:", "nothing after dod": "8:dod-acs:", "nothing after spool": "8:spool:",
		"nothing after orgid": "8:orgid:", "nothing after visitor": "8:teamsvisitor:", "nothing after app": "28:gcch:",
		"no number": "4:", "only an asserted id": "4:_x",
		"space": "8:acs:r_u u", "line break": "4:+1\n2", "zero byte": "a\x00b", "no-break space": "a\u00a0b",
		"not UTF-8": "8:acs:\xff", "too long": "8:acs:" + strings.Repeat("x", ident.MaxRawID),
	} {
		t.Run(name, func(t *testing.T) {
			if id, err := ident.Parse(raw); !errors.Is(err, ident.ErrInvalid) || id != nil {
				t.Errorf("Parse = %v, %v; want ErrInvalid", id, err)
			}
			if id, err := ident.ParseUser(raw); !errors.Is(err, ident.ErrInvalid) || id.ID != "" {
				t.Errorf("ParseUser = %v, %v; want ErrInvalid", id, err)
			}
		})
	}
}

func TestParseUser(t *testing.T) {
	for raw, cloud := range map[string]ident.Cloud{
		"8:acs:r_u": ident.CloudPublic, "8:dod-acs:r_u": ident.CloudDOD, "8:gcch-acs:r_u": ident.CloudGCCH,
	} {
		u, err := ident.ParseUser(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if u.ResourceID() != "r" || u.UserID() != "u" || u.Cloud() != cloud || u.RawID() != raw {
			t.Errorf("%s: %q %q %q", raw, u.ResourceID(), u.UserID(), u.Cloud())
		}
		if made := ident.NewUser(cloud, "r", "u"); made != u {
			t.Errorf("NewUser = %v, want %v", made, u)
		}
	}
	for _, raw := range []string{
		"8:acs:r", "8:acs:r_", "8:acs:_u", "8:acs:r_t_u", "8:spool:r_u", "8:orgid:r_u", "acs:r_u", "4:r_u", "r_u", "8:acs:",
	} {
		if _, err := ident.ParseUser(raw); !errors.Is(err, ident.ErrInvalid) {
			t.Errorf("ParseUser(%q) error = %v, want ErrInvalid", raw, err)
		}
	}
}

func TestCommunicationUser_LooseForms(t *testing.T) {
	for _, raw := range []string{"8:spool:x_y", "8:acs:x", "8:acs:a_b_c_d", "nonsense"} {
		u := ident.CommunicationUserIdentifier{ID: raw}
		if u.ResourceID() != "" || u.UserID() != "" || u.Cloud() != ident.CloudPublic {
			t.Errorf("%s: %q %q %q", raw, u.ResourceID(), u.UserID(), u.Cloud())
		}
	}
}

func TestZeroCloud_IsPublic(t *testing.T) {
	for want, id := range map[string]ident.Identifier{
		"8:orgid:u":     ident.MicrosoftTeamsUserIdentifier{UserID: "u"},
		"28:orgid:b":    ident.MicrosoftTeamsAppIdentifier{AppID: "b"},
		"8:acs:r_t_u":   ident.TeamsExtensionUserIdentifier{ResourceID: "r", TenantID: "t", UserID: "u"},
		"8:acs:r_u":     ident.NewUser("", "r", "u"),
		"8:orgid:moon":  ident.MicrosoftTeamsUserIdentifier{UserID: "moon", Cloud: "a cloud of the future"},
		"28:orgid:moon": ident.MicrosoftTeamsAppIdentifier{AppID: "moon", Cloud: "a cloud of the future"},
	} {
		if id.RawID() != want {
			t.Errorf("RawID = %q, want %q", id.RawID(), want)
		}
	}
}

func TestPhoneNumber(t *testing.T) {
	for number, valid := range map[string]bool{
		"+14255550123": true, "+12": true, "+123456789012345": true,
		"+1": false, "+1234567890123456": false, "+0123": false, "14255550123": false, "+1425x": false, "": false,
		"anonymous": false, "+": false,
	} {
		p := ident.PhoneNumberIdentifier{PhoneNumber: number}
		if p.E164() != valid {
			t.Errorf("E164(%q) = %v", number, !valid)
		}
		if p.Anonymous() != (number == ident.AnonymousNumber) {
			t.Errorf("Anonymous(%q) is wrong", number)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, raw := range []string{
		"8:acs:r_u", "8:acs:r_t_u", "8:dod-acs:r_u", "8:gcch-acs:r_t_u", "8:spool:s", "4:+14255550123", "4:+1_a", "4:anonymous",
		"8:orgid:u", "8:dod:u", "8:gcch:u", "8:teamsvisitor:u", "28:orgid:b", "28:dod:b", "28:gcch:b", "x", "", "4:", "4:_", "8:acs:", "a b",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		id, err := ident.Parse(raw)
		if err != nil {
			if !errors.Is(err, ident.ErrInvalid) || id != nil {
				t.Fatalf("Parse(%q) = %v, %v", raw, id, err)
			}
			return
		}
		if id.RawID() != raw {
			t.Fatalf("Parse(%q).RawID() = %q", raw, id.RawID())
		}
		again, err := ident.Parse(id.RawID())
		if err != nil || again != id {
			t.Fatalf("Parse again = %#v, %v; want %#v", again, err, id)
		}
		u, err := ident.ParseUser(raw)
		if err == nil && (id.Kind() != ident.KindCommunicationUser || ident.NewUser(u.Cloud(), u.ResourceID(), u.UserID()) != u) {
			t.Fatalf("ParseUser(%q) = %#v does not fit %#v", raw, u, id)
		}
	})
}
