//! Renders an evaluation as text for the terminal.

use kennel_core::{RunDir, kept_in_place, shown};
use kennel_metrics::{ConfusedPair, Evaluation, format_proportion, most_confused_pairs};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::failure::Failure;

/// Widest name of a class, in columns.
const NAME_COLUMNS: usize = 40;
/// Widest confusion matrix: the width of a terminal, in columns.
const COLUMNS: usize = 80;
/// Number of most confused pairs that are listed when the matrix does not fit.
const CONFUSED_PAIRS: usize = 10;

/// Renders accuracy with its interval, scores by class and the confusion matrix, as plain text with
/// a final newline.
///
/// Columns are aligned by the terminal width of each character (two for Chinese, none for a
/// combining accent). If the confusion matrix is wider than 80 columns, lists the ten most frequent
/// mistakes instead.
pub fn render_report(evaluation: &Evaluation) -> String {
    let mut text = format!("accuracy  {}\n", format_proportion(&evaluation.accuracy));
    if let Some(top5) = &evaluation.top5 {
        text += &format!("top 5     {}\n", format_proportion(top5));
    }
    text += &format!("log loss  {:.4} nats per image\n\n", evaluation.log_loss);
    render_scores(evaluation, &mut text);
    text.push('\n');
    match matrix(evaluation) {
        Some(matrix) => text += &matrix,
        None => render_confused_pairs(evaluation, &mut text),
    }
    text
}

/// Renders the accuracy of a cross-validated run on all training and validation photos, as a line.
///
/// # Errors
///
/// A run whose configuration cannot be read.
pub fn out_of_fold(run: &RunDir, all: &Evaluation) -> Result<String, Failure> {
    let folds = run.read_record()?.settings.folds.unwrap_or_default();
    Ok(format!("out of fold {}, {folds} folds", format_proportion(&all.accuracy)))
}

fn render_scores(evaluation: &Evaluation, text: &mut String) {
    const MACRO: &str = "macro mean";
    const WEIGHTED: &str = "weighted mean";
    let names = row_names(evaluation);
    let columns = names.iter().map(|name| name.width()).max().unwrap_or(0).max(WEIGHTED.len());
    let mut row = |name: &str, precision, recall, f1, support| {
        *text += &format!(
            "{}  {precision:>9}  {recall:>6}  {f1:>6}  {support:>7}\n",
            padded(name, columns)
        );
    };
    row("", "precision".into(), "recall".into(), "F1".into(), "support".into());
    let share = |value: f64| format!("{value:.3}");
    for (name, class) in names.iter().zip(&evaluation.per_class) {
        row(
            name,
            share(class.precision),
            share(class.recall),
            share(class.f1),
            class.support.to_string(),
        );
    }
    for (name, mean) in [(MACRO, &evaluation.macro_avg), (WEIGHTED, &evaluation.weighted_avg)] {
        row(
            name,
            share(mean.precision),
            share(mean.recall),
            share(mean.f1),
            mean.support.to_string(),
        );
    }
}

/// Renders the confusion matrix. Its column headers are class names if they fit, else numbers that
/// are repeated in the rows. `None` when that is still too wide.
fn matrix(evaluation: &Evaluation) -> Option<String> {
    let names = row_names(evaluation);
    let width = names.len().to_string().len();
    let numbers: Vec<String> = (1..=names.len()).map(|number| number.to_string()).collect();
    let numbered: Vec<String> = names
        .iter()
        .zip(&numbers)
        .map(|(name, number)| format!("{number:>width$}  {name}"))
        .collect();
    [(&names, &names), (&numbered, &numbers)]
        .into_iter()
        .map(|(names, headers)| matrix_of(&evaluation.confusion_matrix, names, headers))
        .find(|matrix| matrix.lines().all(|line| line.width() <= COLUMNS))
}

fn matrix_of(counts: &[Vec<usize>], names: &[String], headers: &[String]) -> String {
    let digits = counts.iter().flatten().max().map_or(1, |count| count.to_string().len());
    let name_columns = names.iter().map(|name| name.width()).max().unwrap_or(0);
    let mut text = String::new();
    let mut row = |name: &str, cells: &[String]| {
        text += &padded(name, name_columns);
        for (cell, header) in cells.iter().zip(headers) {
            let columns = header.width().max(digits) + 2;
            text += &" ".repeat(columns.saturating_sub(cell.width()));
            text += cell;
        }
        text.push('\n');
    };
    row("", headers);
    for (name, counts) in names.iter().zip(counts) {
        row(name, &counts.iter().map(usize::to_string).collect::<Vec<_>>());
    }
    text += "rows: the true class; columns: the predicted one\n";
    text
}

fn render_confused_pairs(evaluation: &Evaluation, text: &mut String) {
    let names = row_names(evaluation);
    let pairs = most_confused_pairs(&evaluation.confusion_matrix, CONFUSED_PAIRS);
    if pairs.is_empty() {
        *text += "no class was taken for another\n";
        return;
    }
    *text += "most confused (the true class, what it was taken for)\n";
    let width = |class: &dyn Fn(&ConfusedPair) -> usize| {
        pairs.iter().map(|pair| names[class(pair)].width()).max().unwrap_or(0)
    };
    let (true_columns, predicted_columns) =
        (width(&|pair| pair.true_class), width(&|pair| pair.predicted_class));
    for pair in &pairs {
        *text += &format!(
            "{}  {}  {} of {}\n",
            padded(&names[pair.true_class], true_columns),
            padded(&names[pair.predicted_class], predicted_columns),
            pair.count,
            evaluation.per_class[pair.true_class].support
        );
    }
}

fn row_names(evaluation: &Evaluation) -> Vec<String> {
    let name = |name: &str| kept_in_place(&cut(&shown(name), NAME_COLUMNS));
    evaluation.per_class.iter().map(|class| name(&class.name)).collect()
}

fn cut(name: &str, columns: usize) -> String {
    match name.width() <= columns {
        true => name.into(),
        false => format!("{}…", prefix(name, columns - 1)),
    }
}

fn prefix(name: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in name.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return &name[..at];
        }
    }
    name
}

fn padded(name: &str, columns: usize) -> String {
    format!("{name}{}", " ".repeat(columns.saturating_sub(name.width())))
}

#[cfg(test)]
mod tests {
    use kennel_core::PredictionRecord;
    use kennel_metrics::evaluate;

    use super::*;

    /// One photo for each `(true class, predicted class)`.
    fn evaluation(names: &[&str], photos: &[(usize, usize)]) -> Evaluation {
        let class_names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let records: Vec<PredictionRecord> = photos
            .iter()
            .map(|&(true_class, predicted)| PredictionRecord {
                path: "p".into(),
                label: class_names[true_class].clone(),
                logits: (0..names.len())
                    .map(|class| if class == predicted { 2.0 } else { 0.0 })
                    .collect(),
            })
            .collect();
        evaluate(&records, &class_names).unwrap()
    }

    #[test]
    fn a_name_that_reads_from_right_to_left_stands_between_marks() {
        let evaluation = evaluation(&["\u{628}\u{648}\u{62f}\u{644}", "boxer"], &[(0, 0), (1, 1)]);
        let marked = "\u{200e}\u{628}\u{648}\u{62f}\u{644}\u{200e}";
        let report = render_report(&evaluation);
        assert!(report.contains(&format!("\n{marked}{:15}1.000", "")), "{report}");
    }

    #[test]
    fn the_report_shows_interval_scores_and_matrix() {
        let photos = [(0, 0), (0, 0), (0, 1), (1, 1), (2, 2), (2, 2)];
        let text = render_report(&evaluation(&["beagle", "boxer", "golden_retriever"], &photos));
        let expected = "\
accuracy  5/6 = 83.3 % (95 % CI 43.6-97.0)
log loss  0.5729 nats per image

                  precision  recall      F1  support
beagle                1.000   0.667   0.800        3
boxer                 0.500   1.000   0.667        1
golden_retriever      1.000   1.000   1.000        2
macro mean            0.833   0.889   0.822        6
weighted mean         0.917   0.833   0.844        6

                  beagle  boxer  golden_retriever
beagle                 2      1                 0
boxer                  0      1                 0
golden_retriever       0      0                 2
rows: the true class; columns: the predicted one
";
        assert_eq!(text, expected, "\n{text}");
    }

    #[test]
    fn columns_stay_aligned_under_names_of_any_script() {
        let names = [
            "比格犬",
            "бигль",
            "cafe\u{301}",
            "a\nb\u{1b}[31m",
            "长毛腊肠犬长毛腊肠犬长毛腊肠犬长毛腊肠犬长毛腊肠犬",
            "x",
        ];
        let text = render_report(&evaluation(&names, &[(0, 0), (1, 2), (4, 4)]));
        let (scores, matrix) = text.split_once("\n\n").unwrap().1.split_once("\n\n").unwrap();
        for block in [scores, matrix.split_once("\nrows").unwrap().0] {
            let widths: Vec<usize> = block.lines().map(UnicodeWidthStr::width).collect();
            assert!(widths.iter().all(|&width| width == widths[0]), "{widths:?}\n{block}");
        }
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn short_class_names_leave_room_for_the_names_of_the_means() {
        let text = render_report(&evaluation(&["a", "b"], &[(0, 0), (1, 0)]));
        let scores = text.split("\n\n").nth(1).unwrap();
        assert!(
            scores.lines().all(|line| line.len() == scores.lines().next().unwrap().len()),
            "{scores}"
        );
    }

    #[test]
    fn long_names_are_numbered_rather_than_cut() {
        let names =
            ["german_shepherd", "german_shorthaired_pointer", "west_highland_white_terrier"];
        let text = render_report(&evaluation(&names, &[(0, 1), (1, 1), (2, 2)]));
        let expected = "
                                1  2  3
1  german_shepherd              0  1  0
2  german_shorthaired_pointer   0  1  0
3  west_highland_white_terrier  0  0  1
rows: the true class; columns: the predicted one
";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn numbers_of_ten_classes_and_wide_names_stay_aligned() {
        let names: Vec<String> = (1..10).map(|class| format!("class {class}")).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.push("ゴールデンレトリバー");
        let text = render_report(&evaluation(&names, &[(0, 1), (9, 9)]));
        let matrix: Vec<&str> = text.lines().rev().skip(1).take(11).collect();
        assert!(matrix.iter().all(|line| line.width() == matrix[0].width()), "{text}");
        assert!(text.contains("\n 1  class ") && text.contains("\n10  ゴ"), "{text}");
    }

    #[test]
    fn many_classes_list_their_commonest_mistakes_in_place_of_the_matrix() {
        let names: Vec<String> = (0..120).map(|class| format!("breed {class}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut photos: Vec<(usize, usize)> = (0..120).map(|class| (class, class)).collect();
        assert!(
            render_report(&evaluation(&names, &photos))
                .ends_with("no class was taken for another\n")
        );
        photos.extend((0..15).map(|class| (class, class + 1)));
        photos.push((100, 3));
        photos.push((100, 3));
        let text = render_report(&evaluation(&names, &photos));
        let (_, pairs) = text.split_once("what it was taken for)\n").unwrap();
        assert_eq!(pairs.lines().count(), 10);
        assert_eq!(pairs.lines().next(), Some("breed 100  breed 3  2 of 3"));
        assert!(text.starts_with("accuracy  120/137 ="), "{text}");
        assert!(text.contains("\ntop 5     "), "{text}");
    }
}
