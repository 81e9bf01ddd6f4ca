//! The report: tables of figures on the terminal and in `docs/benchmarks.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// One line of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figure {
    name: String,
    value: String,
    aim: String,
    ratio: String,
}

impl Figure {
    pub(crate) fn new(name: &str, value: String) -> Self {
        Self {
            name: name.to_owned(),
            value,
            ..Self::default()
        }
    }

    /// The target value.
    pub(crate) fn target(mut self, aim: &str) -> Self {
        aim.clone_into(&mut self.aim);
        self
    }

    /// The ratio to another figure.
    pub(crate) fn ratio(mut self, ratio: String) -> Self {
        self.ratio = ratio;
        self
    }

    /// The multiple of the baseline.
    pub(crate) fn over(self, time: Duration, base: Duration) -> Self {
        let ratio = time.as_secs_f64() / base.as_secs_f64().max(f64::EPSILON);
        self.ratio(format!("{ratio:.1} × baseline"))
    }
}

/// All figures of one part of the page, in the order in which they were measured.
#[derive(Debug)]
pub(crate) struct Report {
    part: &'static str,
    tables: Vec<(String, Vec<Figure>)>,
}

impl Report {
    /// The text between the markers `PART: begin` and `PART: end`.
    pub(crate) fn new(part: &'static str) -> Self {
        Self {
            part,
            tables: Vec::new(),
        }
    }

    #[expect(
        clippy::print_stderr,
        reason = "a program for the terminal that takes minutes"
    )]
    pub(crate) fn add(&mut self, table: &str, figure: Figure) {
        eprintln!("{table}: {}: {} {}", figure.name, figure.value, figure.ratio);
        match self.tables.iter_mut().find(|(name, _)| name == table) {
            Some((_, figures)) => figures.push(figure),
            None => self.tables.push((table.to_owned(), vec![figure])),
        }
    }

    fn markdown(&self) -> Result<String> {
        let cores = std::thread::available_parallelism()?;
        let mut text = format!(
            "Measured on {cores} cores ({}), loopback.\n",
            std::env::consts::ARCH
        );
        for (name, figures) in &self.tables {
            write!(
                text,
                "\n### {name}\n\n| | measured | aim | |\n|---|---|---|---|\n"
            )?;
            for Figure {
                name,
                value,
                aim,
                ratio,
            } in figures
            {
                writeln!(text, "| {name} | {value} | {aim} | {ratio} |")?;
            }
        }
        Ok(text)
    }

    /// Shows everything, and writes it into `docs/benchmarks.md` if `keep`.
    #[expect(clippy::print_stdout, reason = "a program for the terminal")]
    pub(crate) fn finish(&self, keep: bool) -> Result<()> {
        println!("{}", self.markdown()?);
        if keep { self.write() } else { Ok(()) }
    }

    fn write(&self) -> Result<()> {
        write_between("docs/benchmarks.md", self.part, &self.markdown()?)
    }
}

/// Puts `text` between the markers `PART: begin` and `PART: end` of a page, named from the root of the repository.
pub(crate) fn write_between(page: &str, part: &str, text: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (begin, end) = (format!("<!-- {part}: begin -->"), format!("<!-- {part}: end -->"));
    let (before, rest) = page.split_once(&begin).context("the first marker")?;
    let (_, after) = rest.split_once(&end).context("the second marker")?;
    fs::write(&path, format!("{before}{begin}\n{text}{end}{after}"))?;
    Ok(())
}

/// In microseconds, or in milliseconds from ten of them.
pub(crate) fn micros(time: Duration) -> String {
    if time >= Duration::from_millis(10) {
        millis(time)
    } else {
        format!("{:.0} µs", time.as_secs_f64() * 1e6)
    }
}

pub(crate) fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}
