package policy

import "strings"

// IsCountry reports whether text is the code, in either case, of a country of
// ISO 3166-1, or XK, which stands for Kosovo by common use.
func IsCountry(text string) bool {
	const length, lower = 2, 'a' - 'A'
	return len(text) == length && strings.IndexByte(countries[text[0]&^lower], text[1]&^lower) >= 0
}

// Countries returns the second letters of the codes that IsCountry knows, by
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
	'T': "CDFGHJKLMNORTVWZ",
	'U': "AGMSYZ",
	'V': "ACEGINU",
	'W': "FS",
	'X': "K",
	'Y': "ET",
	'Z': "AMW",
}
