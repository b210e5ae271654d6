package fault

// CodeFields is the code of every fault made by FieldsFault.
const CodeFields = "fields_invalid"

var errFields = New(Fields, CodeFields, "Check the marked answers and send again.")

// Field is one answer that needs another try.
type Field struct {
	// Pointer is the JSON pointer (RFC 6901) of the answer in the request's body, such as "/answers/company".
	Pointer string
	// Code names a sentence declared by DefineField.
	Code string
	// Params fill {name} in the sentence.
	Params map[string]string
	// Own is a sentence that wins over the catalogue's: what a flow's designer wrote, in the reader's language. Mostly empty.
	Own string
}

// Sentence is what is written beside the field: its own sentence, or the catalogue's in lang or else in English.
func (f Field) Sentence(lang string) string {
	if f.Own != "" {
		return f.Own
	}
	return Sentence(lang, f.Code, f.Params)
}

// DefineField declares a field sentence, e.g. ("answer_missing", "Answer “{label}”"). Call it while packages are
// initialised. The same code with the same sentence may be declared by several rooms; another sentence panics.
func DefineField(code, sentence string) { register(code, sentence, true) }

// FieldsFault is the fault that lists fields; nil when there are none, so that a check may end with it.
func FieldsFault(fields ...Field) error {
	if len(fields) == 0 {
		return nil
	}
	c := *errFields
	c.fields = fields
	return &c
}
