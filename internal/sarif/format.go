package sarif

// The part of SARIF 2.1.0 that Write fills, by the names of its specification:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

type log struct {
	Schema  string `json:"$schema"`
	Version string `json:"version"`
	Runs    []run  `json:"runs"`
}

type run struct {
	Tool       toolComponent       `json:"tool"`
	Bases      map[string]artifact `json:"originalUriBaseIds"`
	Results    []result            `json:"results"`
	ColumnKind string              `json:"columnKind"`
}

type toolComponent struct {
	Driver driver `json:"driver"`
}

type driver struct {
	Name    string       `json:"name"`
	Version string       `json:"version"`
	URI     string       `json:"informationUri"`
	Rules   []descriptor `json:"rules"`
}

type descriptor struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Short    text          `json:"shortDescription"`
	Help     text          `json:"help"`
	HelpURI  string        `json:"helpUri"`
	Defaults configuration `json:"defaultConfiguration"`
}

type configuration struct {
	Level string `json:"level"`
}

type text struct {
	Text string `json:"text"`
}

type result struct {
	RuleID    string     `json:"ruleId"`
	RuleIndex int        `json:"ruleIndex"`
	Level     string     `json:"level"`
	Message   text       `json:"message"`
	Locations []location `json:"locations"`
}

type location struct {
	Physical physicalLocation `json:"physicalLocation"`
}

type physicalLocation struct {
	Artifact artifact `json:"artifactLocation"`
	Region   region   `json:"region"`
	Context  *region  `json:"contextRegion,omitempty"`
}

type artifact struct {
	URI  string `json:"uri"`
	Base string `json:"uriBaseId,omitempty"`
}

type region struct {
	Line    int   `json:"startLine"`
	Column  int   `json:"startColumn,omitempty"`
	Snippet *text `json:"snippet,omitempty"`
}
