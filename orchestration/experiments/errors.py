"""Why an experiment cannot be started, changed or decided, in words for the console."""

from accounts.errors import DomainError


class ExperimentNotFound(DomainError):
    code = "experiment_not_found"
    status = 404
    message = "There is no such experiment, or it has no such arm. It may have been deleted."


class ExperimentRunning(DomainError):
    code = "experiment_running"
    status = 409
    message = "The experiment is running. Stop it first."


class ExperimentNotRunning(DomainError):
    code = "experiment_not_running"
    status = 409
    message = "The experiment is not running, so there is nothing to stop."


class ExperimentDecided(DomainError):
    code = "experiment_decided"
    status = 409
    message = "The experiment has a winner and stays as it is. Make a new one to try something else."


class ExperimentNeverRan(DomainError):
    code = "experiment_never_ran"
    status = 409
    message = "The experiment has not run yet, so no arm can have won. Start it first."


class TaskTaken(DomainError):
    code = "task_taken"
    status = 409
    message = "Another experiment is running for this task. Stop that one first."


class TooFewArms(DomainError):
    code = "too_few_arms"
    status = 422
    message = "An experiment compares at least two arms. Add another one."


class UnusableArm(DomainError):
    """`details["arm"]` names it."""

    code = "unusable_arm"
    status = 422
    message = "An arm of this experiment cannot answer. Change it first."


class ArmInUse(DomainError):
    """What an arm answered with is what its figures are about."""

    code = "arm_in_use"
    status = 409
    message = (
        "This arm has been running, and its figures belong to what it answers with. Add another arm instead."
    )


class NothingToRate(DomainError):
    code = "nothing_to_rate"
    status = 409
    message = "No model call is known for this, so there is nothing to rate."
