//! A parser of the Prometheus text format.

use std::collections::BTreeMap;

/// A scrape: the type, the help and the label sets of every family.
#[derive(Debug, Default)]
pub(crate) struct Scrape {
    pub(crate) kinds: BTreeMap<String, String>,
    pub(crate) helps: BTreeMap<String, String>,
    /// Series with their labels, without `le`, and their values.
    pub(crate) series: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Scrape {
    pub(crate) fn parse(text: &str) -> Self {
        let mut scrape = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                scrape.kinds.insert(name.to_owned(), kind.to_owned());
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                scrape.helps.insert(name.to_owned(), help.to_owned());
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
                let labels = labels
                    .trim_end_matches('}')
                    .split("\",")
                    .filter(|pair| !pair.is_empty());
                let labels = labels.map(|pair| {
                    let (name, value) = pair.split_once("=\"").unwrap();
                    (name.to_owned(), value.trim_end_matches('"').to_owned())
                });
                let labels = labels.filter(|(name, _)| name != "le").collect();
                scrape
                    .series
                    .push((name.to_owned(), labels, value.parse().unwrap()));
            }
        }
        scrape
    }

    /// The sum of a series over all its labels; `None` when the series is absent.
    pub(crate) fn sum(&self, name: &str) -> Option<f64> {
        let values: Vec<f64> = self
            .series
            .iter()
            .filter(|(series, ..)| series == name)
            .map(|(.., value)| *value)
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }
}
