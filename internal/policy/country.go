package policy

import "strings"

// IsCountry reports whether text is the code, in either case, of a country of
// ISO 3166-1; or XK, which stands for Kosovo by common use; or one of
// Cloudflare's own, which CF-IPCountry has too: T1 for the Tor network, and XX
// where the country isn't known.
func IsCountry(text string) bool {
	const length = 2
	code := strings.ToUpper(text)
	return len(text) == length && len(code) == length && strings.IndexByte(countries[code[0]], code[1]) >= 0
}

// Countries returns the second characters of the codes that IsCountry knows, by
// the first, in upper case. The caller must not alter the result.
func Countries() map[byte]string { return countries }

// As of 2026.
var countries = map[byte]string{
	'A': "DEFGILMOQRSTUWXZ",
	'B': "ABDEFGHIJLMNOQRSTVWYZ",
	'C': "ACDFGHIKLMNORUVWXYZ",
	'D': "EJKMOZ",
	'E': "CEGHRST",
	'F': "IJKMOR",
	'G': "ABDEFGHILMNPQRSTUWY",
	'H': "KMNRTU",
	'I': "DELMNOQRST",
	'J': "EMOP",
	'K': "EGHIMNPRWYZ",
	'L': "ABCIKRSTUVY",
	'M': "ACDEFGHKLMNOPQRSTUVWXYZ",
	'N': "ACEFGILOPRUZ",
	'O': "M",
	'P': "AEFGHKLMNRSTWY",
	'Q': "A",
	'R': "EOSUW",
	'S': "ABCDEGHIJKLMNORSTVXYZ",
	'T': "1CDFGHJKLMNORTVWZ",
	'U': "AGMSYZ",
	'V': "ACEGINU",
	'W': "FS",
	'X': "KX",
	'Y': "ET",
	'Z': "AMW",
}
