//! Curves as SVG: the 99th percentile of each kind of request over the size of the directory, both on logarithmic scales.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::results::{Results, by_engine, thousands};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 460.0;
/// The plot itself, with room for labels around it.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 560.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 410.0;

/// Colours that can be told apart on white and on black, also by most people who see fewer of them.
const COLOURS: [&str; 8] = [
    "#4e79a7", "#e1812c", "#3a923a", "#c03d3e", "#9372b2", "#8a6d5a", "#d684bd", "#7f7f7f",
];

/// In a dark page the text and lines are light.
const STYLE: &str = "<style>text{font:13px sans-serif;fill:#24292f}.grid{stroke:#8c959f;stroke-opacity:.35}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>";

/// The requests that a chart shows, and its file.
const CHARTS: [(&str, &str, &[&str]); 3] = [
    (
        "read",
        "one user and a page",
        &[
            "get by id",
            "`userName eq`",
            "`emails.value eq`",
            "`externalId eq`",
            "first page of 100",
            "page of 100 in the middle, by cursor",
            "page of 100 in the middle, by index",
            "PATCH of one",
        ],
    ),
    (
        "search",
        "searches of administrators",
        &[
            "search, given and family name",
            "search, beginnings of both",
            "search, a typo in each",
            "search, two typos in a family name",
        ],
    ),
    (
        "group",
        "a group of 100,000 members, or of everybody",
        &[
            "large group: get without members",
            "large group: page of 1000 members",
            "large group: is somebody a member",
            "large group: remove a member",
            "large group: add a member",
        ],
    ),
];

/// Writes the charts of each engine into `folder`.
pub(super) fn write(all: &[Results], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (engine, runs) in by_engine(all) {
        for (file, title, names) in CHARTS {
            let path = folder.join(format!("directory-{}-{file}.svg", engine.to_lowercase()));
            fs::write(path, chart(&format!("{engine}: p99 of {title}"), &runs, names)?)?;
        }
    }
    Ok(())
}

/// The exponents of ten at the ends of an axis.
#[derive(Clone, Copy)]
struct Axis {
    from: i32,
    to: i32,
}

impl Axis {
    fn of(values: &[f64]) -> Self {
        let from = values
            .iter()
            .copied()
            .fold(f64::MAX, f64::min)
            .max(1.0)
            .log10()
            .floor();
        let to = values.iter().copied().fold(1.0, f64::max).log10().ceil();
        Self {
            from: from as i32,
            to: (to as i32).max(from as i32 + 1),
        }
    }

    /// The share of the axis below a value.
    fn share(self, value: f64) -> f64 {
        (value.max(1.0).log10() - f64::from(self.from)) / f64::from(self.to - self.from)
    }

    fn ticks(self) -> impl Iterator<Item = f64> {
        (self.from..=self.to).map(|exponent| 10_f64.powi(exponent))
    }
}

fn chart(title: &str, runs: &[&Results], names: &[&str]) -> Result<String> {
    let curves: Vec<(&str, Vec<(f64, f64)>)> = names
        .iter()
        .map(|name| {
            let points = runs.iter().filter_map(|run| {
                let found = run.measured.iter().find(|measured| measured.name == *name)?;
                Some((run.people as f64, found.p99))
            });
            (*name, points.collect())
        })
        .collect();
    let values: Vec<f64> = curves
        .iter()
        .flat_map(|(_, points)| points.iter().map(|point| point.1))
        .collect();
    let sizes: Vec<f64> = runs.iter().map(|run| run.people as f64).collect();
    let (across, up) = (Axis::of(&sizes), Axis::of(&values));
    let x = |value: f64| LEFT + across.share(value) * (RIGHT - LEFT);
    let y = |value: f64| BOTTOM - up.share(value) * (BOTTOM - TOP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\"><title>{title}</title>{STYLE}\n\
         <text x=\"{LEFT}\" y=\"26\" font-weight=\"bold\">{title}</text>\n"
    );
    for tick in up.ticks() {
        let at = y(tick);
        writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{RIGHT}\" y2=\"{at:.1}\"/>"
        )?;
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            at + 4.0,
            duration(tick)
        )?;
    }
    for tick in across.ticks() {
        let at = x(tick);
        writeln!(
            svg,
            "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{BOTTOM}\"/>"
        )?;
        writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            BOTTOM + 20.0,
            thousands(tick as u64)
        )?;
    }
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">people</text>",
        (LEFT + RIGHT) / 2.0,
        BOTTOM + 40.0
    )?;
    let curves = curves.iter().filter(|(_, points)| !points.is_empty());
    for ((at, (name, points)), colour) in curves.enumerate().zip(COLOURS) {
        let line: Vec<String> = points
            .iter()
            .map(|(size, value)| format!("{:.1},{:.1}", x(*size), y(*value)))
            .collect();
        writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>",
            line.join(" ")
        )?;
        for (size, value) in points {
            writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{colour}\"/>",
                x(*size),
                y(*value)
            )?;
        }
        let row = TOP + 20.0 + 24.0 * at as f64;
        writeln!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"14\" height=\"4\" fill=\"{colour}\"/>",
            RIGHT + 24.0,
            row - 6.0
        )?;
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{row}\">{}</text>",
            RIGHT + 46.0,
            name.replace('`', "")
        )?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Microseconds, as people write them.
fn duration(micros: f64) -> String {
    match micros {
        seconds if seconds >= 1e6 => format!("{} s", seconds / 1e6),
        millis if millis >= 1e3 => format!("{} ms", millis / 1e3),
        micros => format!("{micros} µs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::results::Measured;

    #[test]
    fn a_chart_has_a_point_for_each_size_within_its_frame() {
        let run = |people, p99| Results {
            engine: "SQLite".to_owned(),
            people,
            measured: vec![Measured {
                name: "get by id".to_owned(),
                p50: p99 / 2.0,
                p99,
            }],
            bytes_per_person: None,
            rebuilt_per_second: None,
        };
        let (small, large) = (run(1_000, 250.0), run(10_000_000, 400.0));
        let svg = chart("a title", &[&small, &large], &["get by id", "PATCH of one"]).unwrap();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains(">10,000,000<") && svg.contains(">100 µs<") && svg.contains(">1 ms<"));
        assert!(svg.contains(&format!("cx=\"{LEFT:.1}\"")) && svg.contains(&format!("cx=\"{RIGHT:.1}\"")));
    }
}
