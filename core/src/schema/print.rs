//! Objects of the model as the statements that make them.
