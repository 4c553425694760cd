from django.urls import path

from pneumoscope.web.gateway import incoming_views as views

app_name = "incoming"
urlpatterns = [
    path("", views.arrivals, name="arrivals"),
    path("<int:key>/retry/", views.arrival_retry, name="arrival_retry"),
]
for kind, noun in (("peers", "peer"), ("rules", "rule"), ("pulls", "pull")):
    which = {"kind": kind}
    urlpatterns += [
        path(f"{kind}/", views.rows, which, name=kind),
        path(f"{kind}/<int:key>/", views.row, which, name=noun),
        path(f"{kind}/<int:key>/delete/", views.row_delete, which, name=f"{noun}_delete"),
    ]
