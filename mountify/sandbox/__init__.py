"""The outside world on loopback: a small Flask app that speaks the wire protocols of Stripe Checkout and Resend."""
