"""What is refused about alerts and their channels."""

from accounts.errors import DomainError


class AlertNotFound(DomainError):
    code = "alert_not_found"
    status = 404
    message = "There is no such alert. List the alerts again."


class AlertNotStanding(DomainError):
    code = "alert_not_standing"
    status = 409
    message = "The alert is resolved already. List the alerts again."


class AlertStillHolds(DomainError):
    code = "alert_still_holds"
    status = 409
    message = (
        "Its cause still stands, and it is resolved by itself when that goes. Mend it, or mute the alert."
    )


class ChannelNotFound(DomainError):
    code = "alert_channel_not_found"
    status = 404
    message = "There is no such channel. List the channels again."


class ReceiverNotAllowed(DomainError):
    """A channel's address is malformed, or is not public."""

    code = "alert_receiver_not_allowed"
    status = 400
    message = (
        "Notices are sent to public http and https addresses only. ALERT_PRIVATE_HOSTS allows private ones."
    )


class NotDelivered(DomainError):
    """A receiver did not take a notice. The sentence names neither its address nor its secret."""

    code = "alert_not_delivered"
    status = 502
    message = "The receiver did not take the notice. Check the channel's address."
