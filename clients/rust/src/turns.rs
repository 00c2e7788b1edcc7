//! Requests of one object that are answered in their order, whoever waits for which.

use std::collections::{HashMap, HashSet, VecDeque};

/// The number of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Turn(u64);

#[derive(Debug)]
pub(crate) struct Turns<T> {
    last: u64,
    waiting: VecDeque<Turn>,
    answers: HashMap<Turn, T>,
    forgotten: HashSet<Turn>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            last: 0,
            waiting: VecDeque::new(),
            answers: HashMap::new(),
            forgotten: HashSet::new(),
        }
    }
}

impl<T> Turns<T> {
    /// It was asked.
    pub fn ask(&mut self) -> Turn {
        self.last += 1;
        self.waiting.push_back(Turn(self.last));
        Turn(self.last)
    }

    /// The next one is answered.
    pub fn answer(&mut self, answer: T) {
        if let Some(turn) = self.waiting.pop_front() {
            if !self.forgotten.remove(&turn) {
                self.answers.insert(turn, answer);
            }
        }
    }

    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub fn take(&mut self, turn: Turn) -> Option<T> {
        self.answers.remove(&turn)
    }

    /// Nobody waits for it any more; its answer will come all the same.
    pub fn forget(&mut self, turn: Turn) {
        if self.answers.remove(&turn).is_none() && self.waiting.contains(&turn) {
            self.forgotten.insert(turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;

    #[test]
    fn each_has_its_own() {
        let mut turns = Turns::default();
        let (first, second, third) = (turns.ask(), turns.ask(), turns.ask());
        turns.forget(second);
        for answer in ["a", "b", "c", "d"] {
            turns.answer(answer);
        }
        assert_eq!(
            [first, second, third].map(|each| turns.take(each)),
            [Some("a"), None, Some("c")]
        );
        assert!(!turns.is_waiting());
    }
}
