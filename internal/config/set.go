package config

import (
	"encoding"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/policysync/policysync/internal/secret"
)

// set decodes text into a field. Its errors show the text, if at all, quoted
// and before a colon.
func set(field any, text string) error {
	switch field := field.(type) {
	case encoding.TextUnmarshaler:
		return field.UnmarshalText([]byte(text))
	case *secret.Source:
		field.File = text
	case *string:
		*field = text
	case *time.Duration:
		return assign(field, text, time.ParseDuration, "want a duration with its unit, such as 90s, 10m or 1h30m")
	case *bool:
		if text != "true" && text != "false" {
			return errors.New("want true or false")
		}
		*field = text == "true"
	case *int:
		return assign(field, text, strconv.Atoi, "want a whole number")
	case *int64:
		return assign(field, text, parseInt64, "want a whole number")
	default:
		return fmt.Errorf("a %T can't be set from a file", field)
	}
	return nil
}

func assign[T any](field *T, text string, parse func(string) (T, error), wanted string) error {
	value, err := parse(text)
	if err != nil {
		return errors.New(wanted) // and not err, which shows the text
	}
	*field = value
	return nil
}

func parseInt64(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }
