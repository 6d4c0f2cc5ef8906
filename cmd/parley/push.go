package main

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/push"
)

// pushFlags say how phones are woken.
type pushFlags struct {
	apnsKey, apnsKeyID, apnsTeam, apnsTopic, fcm string

	content bool
}

func (f *pushFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.apnsKey, "apns-key", "", "signing key of APNs, a .p8 `file`; empty: Apple's phones are not woken")
	flags.StringVar(&f.apnsKeyID, "apns-key-id", "", "`id` of that key")
	flags.StringVar(&f.apnsTeam, "apns-team", "", "`id` of the team at Apple")
	flags.StringVar(&f.apnsTopic, "apns-topic", "", "the app's bundle `id`")
	flags.StringVar(&f.fcm, "fcm", "", "service account of Firebase, a JSON `file`; empty: Google's phones are not woken")
	flags.BoolVar(&f.content, "push-content", false, "send the beginning of texts to Apple and Google, not only who wrote them")
}

// options reads the files.
func (f *pushFlags) options() (server.PushOptions, error) {
	options := server.PushOptions{Content: f.content}
	if f.apnsKey == "" && f.apnsKeyID+f.apnsTeam+f.apnsTopic != "" {
		return options, usagef("--apns-key is missing")
	}
	if f.apnsKey != "" {
		key, err := os.ReadFile(f.apnsKey)
		if err != nil {
			return options, fmt.Errorf("--apns-key: %w", err)
		}
		options.APNs = &push.APNsOptions{Key: key, KeyID: f.apnsKeyID, TeamID: f.apnsTeam, Topic: f.apnsTopic}
	}
	if f.fcm != "" {
		account, err := os.ReadFile(f.fcm)
		if err != nil {
			return options, fmt.Errorf("--fcm: %w", err)
		}
		options.FCM = &push.FCMOptions{Account: account}
	}
	return options, nil
}
