//! The confusion matrix: which class was taken for which, as photos and as shares.

use kennel_metrics::Evaluation;
use plotters::prelude::*;

use super::area::{Area, Drawn};
use super::shades::{GROUND, readable_on, shade_of};
use super::style::{FAINT, INK};
use super::svg::{Svg, cannot, draw};
use super::text::{Label, SMALL, TEXT, TITLE, cut_inside, shortened, text_width, widest};
use crate::Result;

const FIGURE: &str = "confusion_matrix";
const MARGIN: i32 = 30;
/// Cells have no numbers with more classes than this.
const NUMBERED: usize = 20;
/// Smallest readable em.
const LEAST_EM: f64 = 14.0;
/// Longest name, in units; longer ones are cut.
const NAME: i32 = 320;
/// Panels up to this width stand beside each other, wider ones above each other.
const BESIDE: i32 = 1250;
/// Space between panels that stand above each other.
const APART: i32 = 50;
/// Height of a panel's heading, and room for the caption of an axis.
const HEADING: i32 = 52;
/// Distance of the scale of shades from the matrix, and its width.
const SCALE: (i32, i32) = (26, 24);

/// Draws the confusion matrix twice: as photos and as shares of each true class. Rows are true
/// classes, columns predicted ones.
///
/// With up to twenty classes each cell has its number; with more, only its shade, beside a scale.
///
/// # Errors
///
/// [`ReportError::Figure`](crate::ReportError::Figure) without classes, or when the size of the
/// matrix differs from the number of classes.
pub fn confusion_matrix(title: &str, evaluation: &Evaluation) -> Result<Svg> {
    let counts = &evaluation.confusion_matrix;
    let classes = evaluation.per_class.len();
    if classes == 0 {
        return Err(cannot(FIGURE, "there is no class"));
    }
    if counts.len() != classes || counts.iter().any(|row| row.len() != classes) {
        return Err(cannot(FIGURE, format!("the matrix is not of {classes} by {classes} classes")));
    }
    let names = evaluation.per_class.iter().map(|class| class.name.as_str());
    let panels = [Panel::of_counts(counts), Panel::of_shares(counts)];
    let grid = Grid::new(names, &panels);
    let (width, height) = grid.size();
    let (across, down) = if width <= BESIDE { (2, 1) } else { (1, 2) };
    let top = MARGIN + 50;
    let size = (across * width + 2 * MARGIN, top + down * (height + APART) - APART + MARGIN);
    draw(FIGURE, &format!("Confusion matrix: {title}"), size, |area, _| {
        let title = cut_inside(title, TITLE, size.0 - 2 * MARGIN);
        Label::left(TITLE).write(area, &title, (MARGIN, MARGIN + 12))?;
        let second = (MARGIN + (across - 1) * width, top + (down - 1) * (height + APART));
        for (panel, (x, y)) in panels.iter().zip([(MARGIN, top), second]) {
            grid.write(&area.clone().shrink((x, y), (width, height)), panel)?;
        }
        Ok(())
    })
}

/// The contents of one matrix.
struct Panel {
    heading: &'static str,
    /// Darkness in [0, 1] and the number, by row.
    cells: Vec<Vec<(f64, String)>>,
    /// What the darkest shade means.
    darkest: String,
}

impl Panel {
    fn of_counts(counts: &[Vec<usize>]) -> Panel {
        let most = counts.iter().flatten().copied().max().unwrap_or(0);
        let cell = |&count: &usize| (count as f64 / most.max(1) as f64, count.to_string());
        Panel {
            heading: "Photos",
            cells: counts.iter().map(|row| row.iter().map(cell).collect()).collect(),
            darkest: most.to_string(),
        }
    }

    fn of_shares(counts: &[Vec<usize>]) -> Panel {
        let row = |row: &Vec<usize>| -> Vec<(f64, String)> {
            let support: usize = row.iter().sum();
            let cell = |&count: &usize| match (support, count) {
                (0, _) => (0.0, "–".to_string()),
                (_, 0) => (0.0, "0".to_string()),
                (_, all) if all == support => (1.0, "100".to_string()),
                (_, some) => {
                    let share = some as f64 / support as f64;
                    // Rounding must not hide a mistake: show a share as 0 or 100 only if it is
                    // exact.
                    (share, format!("{:.1}", (100.0 * share).clamp(0.1, 99.9)))
                }
            };
            row.iter().map(cell).collect()
        };
        Panel {
            heading: "Share of the true class, %",
            cells: counts.iter().map(row).collect(),
            darkest: "100".into(),
        }
    }
}

/// Layout of the cells and names, the same in both panels.
struct Grid {
    names: Vec<String>,
    cell: i32,
    /// Em of the numbers; `None` if there is no room for them.
    number_em: Option<f64>,
    name_em: f64,
    /// Write the name of every `named`-th class.
    named: usize,
    are_columns_turned: bool,
    room_left: i32,
    room_below: i32,
    room_right: i32,
}

impl Grid {
    fn new<'a>(names: impl Iterator<Item = &'a str>, panels: &[Panel]) -> Grid {
        let names: Vec<&str> = names.collect();
        let classes = names.len();
        let cell = match classes <= NUMBERED {
            true => (960 / classes as i32).clamp(64, 120),
            false => (2000 / classes as i32).clamp(4, 48),
        };
        let name_em = (0.9 * f64::from(cell)).clamp(LEAST_EM, SMALL);
        let named = (1.05 * name_em / f64::from(cell)).ceil().max(1.0) as usize;
        let names: Vec<String> =
            names.into_iter().map(|name| shortened(name, name_em, NAME)).collect();
        let longest = widest(&names, name_em);
        let are_columns_turned = longest > cell - 12;
        let darkest: Vec<String> = panels.iter().map(|panel| panel.darkest.clone()).collect();
        Grid {
            cell,
            number_em: number_em(panels, cell).filter(|_| classes <= NUMBERED),
            name_em,
            named,
            are_columns_turned,
            room_left: HEADING + longest + 12,
            room_below: HEADING
                + 12
                + if are_columns_turned { longest } else { name_em.ceil() as i32 },
            room_right: SCALE.0 + SCALE.1 + 12 + widest(&darkest, SMALL) + 30,
            names,
        }
    }

    fn side(&self) -> i32 {
        self.cell * self.names.len() as i32
    }

    fn size(&self) -> (i32, i32) {
        (self.room_left + self.side() + self.room_right, HEADING + self.side() + self.room_below)
    }

    fn write(&self, area: &Area, panel: &Panel) -> Drawn {
        let (left, top, side) = (self.room_left, HEADING, self.side());
        let middle = side / 2;
        Label::centred(TEXT).write(area, panel.heading, (left + middle, top - 28))?;
        Label::centred(TEXT).upwards().write(
            area,
            "True class",
            (HEADING / 2 - 4, top + middle),
        )?;
        let (_, height) = self.size();
        Label::centred(TEXT).write(
            area,
            "Predicted class",
            (left + middle, height - HEADING / 2),
        )?;
        self.write_names(area)?;
        let matrix = area.clone().shrink((left, top), (side, side));
        self.write_cells(&matrix, panel)?;
        write_scale(
            &area.clone().shrink((left + side + SCALE.0, top), (self.room_right, side)),
            side,
            panel,
        )
    }

    fn write_names(&self, area: &Area) -> Drawn {
        for (index, name) in self.names.iter().enumerate().step_by(self.named) {
            let middle = self.cell * index as i32 + self.cell / 2;
            Label::right(self.name_em).write(
                area,
                name,
                (self.room_left - 12, HEADING + middle),
            )?;
            let bottom = HEADING + self.side() + 12;
            let x = self.room_left + middle;
            match self.are_columns_turned {
                true => Label::right(self.name_em).upwards().write(area, name, (x, bottom))?,
                false => {
                    let half = (self.name_em / 2.0) as i32;
                    Label::centred(self.name_em).write(area, name, (x, bottom + half))?;
                }
            }
        }
        Ok(())
    }

    fn write_cells(&self, area: &Area, panel: &Panel) -> Drawn {
        let (cell, side) = (self.cell, self.side());
        area.draw(&Rectangle::new([(0, 0), (side, side)], GROUND.filled()))?;
        for (row, cells) in panel.cells.iter().enumerate() {
            for (column, (darkness, number)) in cells.iter().enumerate() {
                let (x, y) = (cell * column as i32, cell * row as i32);
                let colour = shade_of(*darkness);
                if *darkness > 0.0 {
                    area.draw(&Rectangle::new([(x, y), (x + cell, y + cell)], colour.filled()))?;
                }
                if let Some(em) = self.number_em {
                    let ink = if *darkness > 0.0 { readable_on(colour) } else { FAINT };
                    let middle = (x + cell / 2, y + cell / 2);
                    Label::centred(em).coloured(ink).write(area, number, middle)?;
                }
            }
        }
        // Draw lines between cells that are wide enough.
        let every = (12 / cell).max(1);
        for line in
            (1..self.names.len() as i32).filter(|line| line % every == 0).map(|line| line * cell)
        {
            let thin = BLACK.mix(0.12).stroke_width(1);
            area.draw(&PathElement::new(vec![(line, 0), (line, side)], thin))?;
            area.draw(&PathElement::new(vec![(0, line), (side, line)], thin))?;
        }
        write_frame(area, (side, side))
    }
}

/// Returns the em at which the widest number of all panels fits its cell, if that is readable.
fn number_em(panels: &[Panel], cell: i32) -> Option<f64> {
    let numbers =
        panels.iter().flat_map(|panel| panel.cells.iter().flatten()).map(|(_, number)| number);
    let width_of_hundred =
        numbers.map(|number| text_width(number, 100.0)).max().unwrap_or(0).max(1);
    let em = (100.0 * 0.9 * f64::from(cell) / f64::from(width_of_hundred)).min(26.0);
    (em >= LEAST_EM).then_some(em)
}

/// Draws the scale of shades, from 0 at the bottom to the darkest at the top.
fn write_scale(area: &Area, height: i32, panel: &Panel) -> Drawn {
    const STEPS: i32 = 48;
    for step in 0..STEPS {
        // Each step reaches up to the top and the next covers it: a gap of a pixel would show the
        // background.
        let bottom = height - height * step / STEPS;
        let colour = shade_of(f64::from(step) / f64::from(STEPS - 1));
        area.draw(&Rectangle::new([(0, 0), (SCALE.1, bottom)], colour.filled()))?;
    }
    write_frame(area, (SCALE.1, height))?;
    let label = Label::left(SMALL);
    label.write(area, &panel.darkest, (SCALE.1 + 12, 8))?;
    label.write(area, "0", (SCALE.1 + 12, height - 8))
}

fn write_frame(area: &Area, (width, height): (i32, i32)) -> Drawn {
    let corners = vec![(0, 0), (width, 0), (width, height), (0, height), (0, 0)];
    area.draw(&PathElement::new(corners, INK.stroke_width(2)))
}

#[cfg(test)]
mod tests {
    use kennel_metrics::{ClassReport, ClassScores, Proportion, class_scores};

    use super::*;
    use crate::ReportError;

    fn evaluation(names: &[String], counts: Vec<Vec<usize>>) -> Evaluation {
        let zero = ClassScores { precision: 0.0, recall: 0.0, f1: 0.0, support: 0 };
        let report = |(name, scores): (&String, ClassScores)| ClassReport {
            name: name.clone(),
            precision: scores.precision,
            recall: scores.recall,
            f1: scores.f1,
            support: scores.support,
        };
        Evaluation {
            n: 1,
            correct: 1,
            accuracy: Proportion::new(1, 1),
            top5: None,
            log_loss: 0.0,
            per_class: names.iter().zip(class_scores(&counts)).map(report).collect(),
            confusion_matrix: counts,
            macro_avg: zero,
            weighted_avg: zero,
        }
    }

    fn diagonal(classes: usize) -> Evaluation {
        let names: Vec<String> =
            (0..classes).map(|class| format!("n020{class}-some_breed_of_dog")).collect();
        let row = |row| {
            (0..classes)
                .map(|column| if row == column { 40 } else { usize::from(row + 1 == column) })
                .collect()
        };
        evaluation(&names, (0..classes).map(row).collect())
    }

    #[test]
    fn from_two_to_a_hundred_and_twenty_classes_all_is_drawn() {
        for classes in [1, 2, 5, 20, 21, 50, 120] {
            let svg = confusion_matrix("a run", &diagonal(classes)).unwrap();
            let cells = 2 * (2 * classes - 1);
            // Plus the background, the two matrices' backgrounds, and two scales.
            assert_eq!(svg.as_str().matches("<rect").count(), cells + 3 + 96, "{classes} classes");
            let has_numbers =
                svg.as_str().contains("\n40\n</text>") && svg.as_str().contains("\n100\n</text>");
            assert!(has_numbers, "the scale has them in any case");
            assert_eq!(svg.as_str().contains("\n97.6\n</text>"), (2..=20).contains(&classes));
            assert!(svg.to_png(0.5).is_ok());
        }
    }

    #[test]
    fn a_mistake_is_never_rounded_away() {
        let counts = vec![vec![99_999, 1], vec![0, 0]];
        let panel = Panel::of_shares(&counts);
        let numbers: Vec<&str> =
            panel.cells.iter().flatten().map(|(_, number)| number.as_str()).collect();
        assert_eq!(numbers, ["99.9", "0.1", "–", "–"]);
    }

    #[test]
    fn names_of_classes_are_escaped() {
        let names = ["<&\">".to_string(), "a\u{1}b".to_string()];
        let svg = confusion_matrix("<script>", &evaluation(&names, vec![vec![3, 1], vec![0, 4]]))
            .unwrap();
        assert!(svg.as_str().contains("&lt;&amp;&quot;&gt;") && svg.as_str().contains("a?b"));
        assert!(svg.as_str().contains("&lt;script&gt;") && !svg.as_str().contains("<script"));
        assert!(svg.to_png(1.0).is_ok());
    }

    #[test]
    fn a_matrix_of_another_size_than_its_classes_is_refused() {
        let names = ["a".to_string(), "b".to_string()];
        for (names, counts) in
            [(&names[..], vec![vec![1]]), (&names[..], vec![vec![1, 2], vec![3]]), (&[], vec![])]
        {
            let mut evaluation = evaluation(names, vec![vec![1, 0], vec![0, 1]]);
            evaluation.confusion_matrix = counts;
            assert!(matches!(
                confusion_matrix("", &evaluation),
                Err(ReportError::Figure { figure: FIGURE, .. })
            ));
        }
    }
}
