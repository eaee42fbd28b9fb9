"""What can happen to a parcel, in 17TRACK's words, and the record of what has happened.

https://asset.17track.net/api/document/v2.2_en/index.html (package status, sub-status, milestone)
"""

from dataclasses import dataclass

from mountify.sandbox.store import Doc

NOT_FOUND = ("NotFound", "NotFound_Other")
KIND = "parcel"


@dataclass(frozen=True)
class Step:
    """One thing a carrier reports. Without a description only the status changes: long nothing was heard."""

    name: str
    label: str
    sub_status: str
    stage: str | None = None
    description: str = ""
    place: int = 0

    @property
    def status(self) -> str:
        return self.sub_status.partition("_")[0]


@dataclass(frozen=True)
class Place:
    """Where something happened."""

    city: str
    state: str
    postal_code: str
    longitude: str
    latitude: str

    @property
    def location(self) -> str:
        return f"{self.city}, {self.state}, US"

    def address(self) -> Doc:
        """Return the address as the vendor writes it."""
        return {
            "country": "US",
            "state": self.state,
            "city": self.city,
            "street": None,
            "postal_code": self.postal_code,
            "coordinates": {"longitude": self.longitude, "latitude": self.latitude},
        }


# Every parcel of the sandbox goes from Maine to Virginia.
PLACES = (
    Place("PORTLAND", "ME", "04101", "-70.2553", "43.6615"),
    Place("NEWARK", "NJ", "07114", "-74.1724", "40.7357"),
    Place("RICHMOND", "VA", "23220", "-77.4360", "37.5407"),
)
STEPS = {
    step.name: step
    for step in (
        Step("info_received", "Info received", "InfoReceived", "InfoReceived", "Shipping label created"),
        Step("picked_up", "Picked up", "InTransit_PickedUp", "PickedUp", "Picked up by the carrier"),
        Step("in_transit", "In transit", "InTransit_Other", None, "Arrived at sorting facility", 1),
        Step("out_for_delivery", "Out for delivery", "OutForDelivery_Other", "OutForDelivery", "Out for delivery", 2),
        Step(
            "available_for_pickup",
            "Available for pickup",
            "AvailableForPickup_Other",
            "AvailableForPickup",
            "Ready to be picked up at the post office",
            2,
        ),
        Step("delivered", "Delivered", "Delivered_Other", "Delivered", "Delivered, left at front door", 2),
        Step("delivery_failure", "Delivery failure", "DeliveryFailure_NoBody", None, "Nobody was there to take it", 2),
        Step("exception", "Problem", "Exception_Delayed", None, "Delayed by a problem at the carrier", 1),
        Step("returned", "Returned", "Exception_Returned", "Returned", "Returned to the sender"),
        Step("expired", "Expired", "Expired_Other"),
    )
}
_USUAL_NEXT = {
    "": "info_received",
    "info_received": "picked_up",
    "picked_up": "in_transit",
    "in_transit": "out_for_delivery",
    "out_for_delivery": "delivered",
    "available_for_pickup": "delivered",
    "delivery_failure": "out_for_delivery",
    "exception": "in_transit",
}
MILESTONES = (
    *("InfoReceived", "PickedUp", "Departure", "Arrival", "AvailableForPickup", "OutForDelivery", "Delivered"),
    *("Returning", "Returned"),
)


def take(parcel: Doc, step: Step, now: int) -> None:
    """Let a step happen. No two events of a parcel share a second, so that their order can be told."""
    parcel["status"] = [step.status, step.sub_status]
    parcel["found_at"] = now
    if step.description:
        at = max(now, parcel["events"][0]["at"] + 1) if parcel["events"] else now
        parcel["events"].insert(0, {"at": at, "step": step.name})


def label(parcel: Doc) -> str:
    """Return a parcel's status in words."""
    return next((step.label for step in STEPS.values() if step.sub_status == parcel["status"][1]), "Not found")


def usual_next(parcel: Doc) -> str:
    """Return the step that mostly follows the latest one; nothing when the journey is over."""
    return _USUAL_NEXT.get(parcel["events"][0]["step"] if parcel["events"] else "", "")
