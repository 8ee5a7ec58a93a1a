//! Whether a run looks at the background, on the photos of one of its splits.

use std::path::Path;

use kennel_core::task::Event;
use kennel_core::{RunDir, Split, Task};
use kennel_explain::{Background, EVEN_OUTSIDE, MIN_PHOTOS, SUSPICIOUS_OUTSIDE, background};
use kennel_infer::{ExplainedPhoto, Model, Photos, Predictor, explain, open_photos_of_run};
use kennel_metrics::argmax;
use serde::Serialize;

use crate::failure::{CommandResult, Failure};
use crate::heat_pictures::Pictures;
use crate::interrupt;
use crate::output::{Stream, columns_that_fit, print, print_bytes, print_json, wrapped};
use crate::progress::Terminal;
use crate::rows::{RowFormat, csv_line, json_line};
use crate::session::Session;

/// Indentation of the lines after a sentence's first.
const INDENT: usize = 2;

/// What is printed as JSON.
#[derive(Serialize)]
struct Checked {
    run: String,
    split: Split,
    even_outside: f64,
    suspicious_outside: f64,
    classes: Vec<Background>,
    photos: Vec<CheckedPhoto>,
}

#[derive(Serialize)]
struct CheckedPhoto {
    path: String,
    label: String,
    explained: String,
    outside: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
}

/// Explains the photos of a split, each for the class that the network gives it or for the asked
/// one, and prints by class where the heat lies.
pub fn explain_split(
    run: &RunDir,
    model: &mut Predictor,
    (split, class): (Split, Option<usize>),
    moved_to: Option<&Path>,
    mut pictures: Option<&mut Pictures>,
    format: RowFormat,
    session: &Session,
) -> CommandResult {
    let terminal = Terminal::new(session);
    let on = |event: Event<'_>| terminal.on(event);
    let task = Task::new(interrupt::listen(session), &on);
    let data = open_photos_of_run(run, split, moved_to, task)?;
    let names = model.class_names().to_vec();
    let photos = data.photos(split);
    let (mut shares, mut checked) = (Vec::new(), Vec::new());
    for batch in explain(model, Photos::Listed(photos.clone()), class, task)? {
        for ExplainedPhoto { photo, explained, .. } in batch? {
            let (seen, explained) = explained?;
            let outside = explained.heat.share_outside();
            let picture = match &mut pictures {
                Some(pictures) => Some(pictures.draw(&photo, &seen, &explained.heat)?),
                None => None,
            };
            shares.push((explained.class_index, outside));
            checked.push(CheckedPhoto {
                path: photo,
                label: names[argmax(&explained.logits)].clone(),
                explained: names[explained.class_index].clone(),
                outside,
                picture: picture.map(|path| path.display().to_string()),
            });
        }
        task.tell(Event::Pass { what: "explained", done: checked.len(), of: photos.len() });
    }
    drop(terminal);
    let classes = background(&names, shares);
    match format {
        RowFormat::Table => print(&render(&classes, split, checked.len())),
        RowFormat::Csv => print_bytes(csv(&classes)?.as_bytes()),
        RowFormat::Json => print_json(&Checked {
            run: run.path().display().to_string(),
            split,
            even_outside: EVEN_OUTSIDE,
            suspicious_outside: SUSPICIOUS_OUTSIDE,
            classes,
            photos: checked,
        }),
        RowFormat::JsonLines => {
            let lines = checked.iter().map(json_line).collect::<Result<String, Failure>>()?;
            print_bytes(lines.as_bytes())
        }
    }
}

fn csv(classes: &[Background]) -> Result<String, Failure> {
    let header = ["class", "photos", "with_heat", "outside", "low", "high", "suspicious"];
    let mut text = csv_line(&header.map(String::from))?;
    for class in classes {
        let outside = class.outside.map(|outside| [outside.mean, outside.low, outside.high]);
        let [mean, low, high] =
            outside.map_or_else(Default::default, |ends| ends.map(|x| x.to_string()));
        text += &csv_line(&[
            class.class.clone(),
            class.photos.to_string(),
            class.with_heat.to_string(),
            mean,
            low,
            high,
            class.is_suspicious.to_string(),
        ])?;
    }
    Ok(text)
}

/// Renders the table, and what it means in words.
fn render(classes: &[Background], split: Split, photos: usize) -> String {
    let per_cent = |share: f64| format!("{:.0}", 100.0 * share);
    let interval = |class: &Background| {
        class.outside.map(|outside| format!("{}-{}", per_cent(outside.low), per_cent(outside.high)))
    };
    let rows: Vec<[String; 4]> = classes
        .iter()
        .map(|class| {
            let outside = class.outside.map(|outside| format!("{} %", per_cent(outside.mean)));
            [
                class.class.clone(),
                class.photos.to_string(),
                outside.unwrap_or_default(),
                interval(class).unwrap_or_default(),
            ]
        })
        .collect();
    let header = ["called", "photos", "heat outside the middle", "95 % interval"];
    let mut text = format!(
        "{}\n\n",
        wrapped(
            &format!(
                "{photos} {split} photos, each explained; an even map has {} % of its heat outside \
                 the middle",
                per_cent(EVEN_OUTSIDE)
            ),
            INDENT
        )
    );
    text += &columns_that_fit(Stream::Out, header, &rows, &[1, 2, 3], &[3]);
    text.push('\n');
    for sentence in verdict(classes) {
        text += &format!("{}\n", wrapped(&sentence, INDENT));
    }
    text
}

/// Says which classes are suspicious, and which had too few photos to be judged.
fn verdict(classes: &[Background]) -> Vec<String> {
    let per_cent = |share: f64| format!("{:.0} %", 100.0 * share);
    let suspicious = classes.iter().filter(|class| class.is_suspicious);
    let mut sentences: Vec<String> = suspicious
        .filter_map(|class| {
            let outside = class.outside?;
            Some(format!(
                "for `{}`, {} of the heat lies outside the middle: the network may look at the \
                 background",
                class.class,
                per_cent(outside.mean)
            ))
        })
        .collect();
    if sentences.is_empty() {
        sentences.push(format!(
            "no class is suspicious: none has surely more than {} of its heat outside the middle",
            per_cent(SUSPICIOUS_OUTSIDE)
        ));
    }
    let few: Vec<String> = classes
        .iter()
        .filter(|class| class.with_heat < MIN_PHOTOS)
        .map(|class| format!("{} ({})", class.class, class.with_heat))
        .collect();
    if !few.is_empty() {
        sentences
            .push(format!("fewer than {MIN_PHOTOS} photos, so not judged: {}", few.join(", ")));
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(shares: &[(usize, f64)]) -> Vec<Background> {
        let names: Vec<String> = ["cardboard", "trash", "glass"].map(String::from).into();
        let twelve = |&(class, share): &(usize, f64)| {
            (0..12).map(move |photo| (class, Some(share + 0.001 * f64::from(photo % 2))))
        };
        background(&names, shares.iter().flat_map(twelve))
    }

    #[test]
    fn a_class_at_the_border_is_named_and_one_without_photos_is_not_judged() {
        let found = render(&classes(&[(0, 0.3), (1, 0.8)]), Split::Test, 24);
        let expected = "\
24 test photos, each explained; an even map has 50 % of its heat outside the middle

 called     photos  heat outside the middle  95 % interval
 cardboard      12                     30 %          30-30
 trash          12                     80 %          80-80
 glass           0

for `trash`, 80 % of the heat lies outside the middle: the network may look at the background
fewer than 10 photos, so not judged: glass (0)
";
        assert_eq!(trimmed(&found), expected, "\n{found}");
    }

    #[test]
    fn an_honest_run_is_said_to_be_one() {
        let found = render(&classes(&[(0, 0.3), (1, 0.4), (2, 0.42)]), Split::Val, 36);
        assert!(
            found.ends_with("none has surely more than 45 % of its heat outside the middle\n"),
            "{found}"
        );
    }

    #[test]
    fn every_line_of_csv_has_the_fields_of_its_header() {
        let text = csv(&classes(&[(0, 0.3)])).unwrap();
        let counts: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(counts, [7; 4], "{text}");
    }

    fn trimmed(text: &str) -> String {
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}
