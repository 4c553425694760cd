from django.urls import path

from pneumoscope.web.gateway import outgoing_views as views

app_name = "outgoing"
urlpatterns = [
    path("", views.destinations, name="destinations"),
    path("<int:key>/", views.destination, name="destination"),
    path("<int:key>/test/", views.destination_test, name="destination_test"),
    path("results/retry/", views.results_retry, name="results_retry"),
    path("deliveries/", views.deliveries, name="deliveries"),
    path("deliveries/<int:key>/resend/", views.delivery_resend, name="delivery_resend"),
    path("deliveries/resend/", views.dead_resend, name="dead_resend"),
]
