//! The fields of forms, and the errors of what was typed in them.

/// One input field, which `templates/fields.html` renders.
#[derive(Default)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) autocomplete: &'static str,
    pub(crate) value: &'a str,
    pub(crate) hint: Option<&'a str>,
    pub(crate) required: bool,
    pub(crate) autofocus: bool,
}

/// The error of one input field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) field: &'static str,
    pub(crate) detail: String,
}

/// The errors of a form: of single fields, or of the form as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    heading: Option<&'static str>,
    text: Option<String>,
    fields: Vec<FieldError>,
}

impl Errors {
    /// An error of the form as a whole.
    pub(crate) fn form(heading: &'static str, text: impl Into<String>) -> Self {
        Self {
            heading: Some(heading),
            text: Some(text.into()),
            fields: Vec::new(),
        }
    }

    /// Adds the error of `field`. Only the first error of a field is shown.
    pub(crate) fn add(&mut self, field: &'static str, detail: impl Into<String>) {
        if self.of(field).is_none() {
            self.fields.push(FieldError {
                field,
                detail: detail.into(),
            });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heading.is_none() && self.fields.is_empty()
    }

    pub(super) fn heading(&self) -> &'static str {
        self.heading.unwrap_or("Please check what you have typed")
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub(super) fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// The error of the input field `field`.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|error| error.field == field)
            .map(|error| error.detail.as_str())
    }

    pub(super) fn described_by(&self, field: &Field<'_>) -> Option<String> {
        let hint = field.hint.map(|_| format!("{}-hint", field.name));
        let error = self.of(field.name).map(|_| format!("{}-error", field.name));
        let ids: Vec<String> = hint.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}
