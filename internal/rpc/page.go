package rpc

import (
	"encoding/base64"
	"errors"
	"strings"
)

// pagePrefix tells tokens of this server from anything else, and this form of
// them from later ones.
const pagePrefix = "after:"

// pageToken names the last entry of a page. It stays good for ever.
func pageToken(last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(pagePrefix + last))
}

// parsePageToken returns the name a page comes after; "" is the first page.
func parsePageToken(token string) (string, error) {
	if token == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	last, ok := strings.CutPrefix(string(text), pagePrefix)
	if err != nil || !ok || last == "" {
		return "", errors.New("not a token of this server (use next_page_token of the answer before, or none for the first page)")
	}
	return last, nil
}
