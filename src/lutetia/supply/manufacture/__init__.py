"""From activity to released vials: labelling, quality control, expiry."""

from .batch import Batch, Dose, Item, Limits, Product, fill, start_for_doses_Bq
from .calendars import Calendar, calendar, earliest_shift_s, weekly_calendar
from .labels import ProductLabel, dose_volume_mL, elapsed_at_volume_s, product_label
from .possession import Lot, Violation, first_violation, possession_Bq
from .process import Process, process, process_names, release_activity_Bq, start_activity_Bq, success_interval
from .radiolysis import dose_factor_Gy_mL_per_Bq_s, purity_after, purity_expiry_s, solution_dose_Gy
from .readings import (
    Reading,
    earliest_reading_s,
    equilibrium_ratios,
    line_per_decay,
    reading,
    shown_fraction,
    strip_purity,
)
from .schedule import Assignment, Resource, Schedule, Step, Task, batch_steps, schedule_batches

__all__ = [
    "Assignment", "Batch", "Calendar", "Dose", "Item", "Limits", "Lot", "Process", "Product", "ProductLabel", "Reading", "Resource", "Schedule", "Step", "Task", "Violation",
    "batch_steps", "calendar", "dose_factor_Gy_mL_per_Bq_s", "dose_volume_mL", "earliest_reading_s", "earliest_shift_s", "elapsed_at_volume_s", "equilibrium_ratios", "fill", "first_violation",
    "line_per_decay", "possession_Bq", "process", "process_names", "product_label", "purity_after", "purity_expiry_s", "reading", "release_activity_Bq", "schedule_batches",
    "shown_fraction", "solution_dose_Gy", "start_activity_Bq", "start_for_doses_Bq", "strip_purity", "success_interval", "weekly_calendar",
]  # fmt: skip
